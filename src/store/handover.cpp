#include "quicksilver/store/handover.hpp"

#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/study_folders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr const char* plan_name = "plan.json";
constexpr const char* forced_rule_name = ".forced-rule";

using Paths = std::vector<fs::path>;
using Made = std::vector<MadeTask>;

/// What plan.json keeps of the tasks; each task.json lies in the task's hidden folder.
using Plan = std::vector<PlannedTask>;

std::optional<Stage> stage_of(std::string_view name) {
    for (const Stage stage :
         {Stage::studies, Stage::processing, Stage::outgoing, Stage::success, Stage::error, Stage::discard}) {
        if (to_string(stage) == name) return stage;
    }
    return std::nullopt;
}

Result<void> write_plan(FileOps& ops, const fs::path& claimed, const Plan& plan) {
    nlohmann::ordered_json tasks = nlohmann::ordered_json::array();
    for (const PlannedTask& task : plan) {
        tasks.push_back({{"id", task.id}, {"stage", to_string(task.stage)}});
        if (!task.study_key.empty()) tasks.back()["study"] = task.study_key;
    }
    return write_durably(ops, claimed / plan_name, nlohmann::ordered_json{{"tasks", tasks}}.dump(4));
}

Result<Plan> read_plan(const fs::path& claimed) {
    const auto text = read_text_file(claimed / plan_name);
    if (!text) return text.error();
    try {
        Plan plan;
        const auto document = nlohmann::json::parse(*text);
        for (const auto& task : document.at("tasks")) {
            const auto stage = stage_of(task.at("stage").get<std::string>());
            if (!stage) return Error{Errc::invalid, fmt::format("{}: unknown stage", claimed.string())};
            plan.push_back(PlannedTask{task.at("id").get<std::string>(), *stage, "", task.value("study", "")});
        }
        return plan;
    } catch (const nlohmann::json::exception& bad) {
        return Error{Errc::invalid, fmt::format("{}/{} is damaged: {}", claimed.string(), plan_name, bad.what())};
    }
}

/// What each task gets: all files of the series, but nothing of ours, except that somebody keeps it.
Result<Paths> files_to_share(const fs::path& claimed) {
    constexpr std::array<std::string_view, 3> ours = {plan_name, TaskFile::file_name, "error.txt"};
    std::error_code error;
    Paths files;
    for (fs::directory_iterator entry(claimed, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const bool is_ours = std::find(ours.begin(), ours.end(), name) != ours.end();
        const bool is_hidden = name.starts_with('.') && name != markers::held;
        if (is_hidden || is_ours || !entry->is_regular_file(error)) continue;
        files.push_back(entry->path());
    }
    if (error) return file_error("list", claimed, error.value());
    std::sort(files.begin(), files.end());
    return files;
}

void drop_prepared(const TaskFolders& folders, const Plan& plan) {
    for (const PlannedTask& task : plan) {
        (void)folders.remove(hidden_name(folders.path(task.stage, task.id), hidden::making));
    }
}

}  // namespace

Result<Made> Handover::hand_over(const fs::path& claimed, const std::vector<PlannedTask>& tasks) const {
    if (tasks.empty()) return Error{Errc::invalid, fmt::format("no task planned for {}", claimed.string())};
    if (path_exists(claimed / plan_name)) return finish(claimed);
    // One that is forced keeps its rule until the plan stands: what is cut off before must not be decided by all rules.
    if (tasks.size() == 1 && tasks.front().study_key.empty() && !path_exists(claimed / forced_rule_name)) {
        auto whole = hand_over_whole(claimed, tasks.front());
        if (!whole) return std::move(whole).error();
        if (*whole) return Made{MadeTask{tasks.front().id, tasks.front().stage, std::move(**whole), ""}};
    }
    return hand_over_copies(claimed, tasks);
}

Result<std::optional<fs::path>> Handover::hand_over_whole(const fs::path& claimed, const PlannedTask& task) const {
    FileOps& ops = folders_.ops();
    fs::path target = folders_.path(task.stage, task.id);
    if (path_exists(claimed)) {
        if (path_exists(target)) return file_error("hand over to", target, EEXIST);
        if (!task.task_json.empty()) {
            if (auto written = write_durably(ops, claimed / TaskFile::file_name, task.task_json); !written) {
                return std::move(written).error();
            }
        }
        // Of an attempt at a plan that a crash cut off; nothing of ours may go to the task.
        if (auto removed = ops.unlink(claimed / part_name(plan_name)); !removed) return std::move(removed).error();
        const auto renamed = ops.rename(claimed, target);
        if (!renamed) return renamed.error();
        if (*renamed == Placed::needs_copy) return std::optional<fs::path>();
    }
    // Here too when an earlier attempt renamed it and failed to sync.
    for (const Stage stage : {task.stage, Stage::incoming}) {
        if (auto synced = ops.sync_folder(folders_.path(stage)); !synced) return std::move(synced).error();
    }
    return std::optional<fs::path>(std::move(target));
}

Result<Made> Handover::hand_over_copies(const fs::path& claimed, const std::vector<PlannedTask>& tasks) const {
    if (!path_exists(claimed)) return Made{};
    auto files = files_to_share(claimed);
    if (!files) return std::move(files).error();

    Plan plan;
    for (const PlannedTask& task : tasks) {
        plan.push_back(PlannedTask{task.id, task.stage, "", task.study_key});
        if (auto prepared = folders_.prepare(task.stage, task.id, *files, task.task_json); !prepared) {
            drop_prepared(folders_, plan);
            return std::move(prepared).error();
        }
    }
    if (auto written = write_plan(folders_.ops(), claimed, plan); !written) {
        // When only the last sync failed, the plan is there and counts.
        if (!path_exists(claimed / plan_name)) drop_prepared(folders_, plan);
        return std::move(written).error();
    }
    return publish_all(claimed, plan);
}

/// Publishes what is still hidden, makes all names durable, then removes the claimed folder.
Result<Made> Handover::publish_all(const fs::path& claimed, const std::vector<PlannedTask>& plan) const {
    FileOps& ops = folders_.ops();
    Made made;
    std::set<Stage> stages;
    for (const PlannedTask& task : plan) {
        stages.insert(task.stage);
        fs::path folder = folders_.path(task.stage, task.id);
        const fs::path prepared = hidden_name(folder, hidden::making);
        if (!folders_.is_prepared(task.stage, task.id)) continue;
        if (!task.study_key.empty()) {
            auto added = studies_.add(prepared, task.study_key);
            if (!added) return std::move(added).error();
            made.push_back(MadeTask{task.id, task.stage, std::move(added->folder), std::move(added->joined_task)});
            continue;
        }
        if (const auto renamed = ops.rename(prepared, folder); !renamed) return renamed.error();
        made.push_back(MadeTask{task.id, task.stage, std::move(folder), ""});
    }
    // Also for those that an earlier attempt renamed: its sync may be what failed.
    for (const Stage stage : stages) {
        if (auto synced = ops.sync_folder(folders_.path(stage)); !synced) return std::move(synced).error();
    }
    if (auto removed = folders_.remove(claimed); !removed) return std::move(removed).error();
    return made;
}

Result<fs::path> Handover::claim_again(std::string_view task_id, const Paths& files,
                                       const std::string& forced_rule) const {
    FileOps& ops = folders_.ops();
    const fs::path made = hidden_name(folders_.path(Stage::incoming, task_id), hidden::making);
    auto prepared = folders_.prepare(Stage::incoming, task_id, files, "");
    if (prepared && !forced_rule.empty()) prepared = write_durably(ops, made / forced_rule_name, forced_rule);
    fs::path claimed = hidden_name(folders_.path(Stage::incoming, task_id), hidden::routing);
    if (prepared) {
        const auto renamed = ops.rename(made, claimed);
        prepared = renamed ? ops.sync_folder(folders_.path(Stage::incoming)) : Result<void>(renamed.error());
    }
    if (prepared) return claimed;
    // The files lie where they lay, so all of it may go.
    for (const fs::path& folder : {made, claimed}) (void)folders_.remove(folder);
    return std::move(prepared).error();
}

Result<std::string> Handover::forced_rule(const fs::path& claimed) {
    auto text = read_text_file(claimed / forced_rule_name);
    if (!text && text.error().code == Errc::not_found) return std::string();
    return text;
}

Result<Made> Handover::finish(const fs::path& claimed) const {
    if (!path_exists(claimed)) return Made{};
    auto plan = read_plan(claimed);
    if (!plan) return std::move(plan).error();
    // The attempt that wrote it may have failed to make it durable.
    if (auto written = write_plan(folders_.ops(), claimed, *plan); !written) return std::move(written).error();
    return publish_all(claimed, *plan);
}

Result<fs::path> Handover::give_up(const fs::path& claimed, std::string_view reason) const {
    if (const auto plan = read_plan(claimed)) drop_prepared(folders_, *plan);
    return folders_.park(claimed, FailStage::routing, reason);
}

Result<std::vector<UnfinishedHandover>> Handover::find_unfinished() const {
    const fs::path& incoming = folders_.path(Stage::incoming);
    std::error_code error;
    std::vector<UnfinishedHandover> unfinished;
    for (fs::directory_iterator entry(incoming, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(hidden::routing) || !entry->is_directory(error)) continue;
        unfinished.push_back(UnfinishedHandover{entry->path(), name.substr(hidden::routing.size()),
                                                path_exists(entry->path() / plan_name)});
    }
    if (error && error.value() != ENOENT) return file_error("list", incoming, error.value());
    std::sort(unfinished.begin(), unfinished.end(), [](const auto& a, const auto& b) { return a.task_id < b.task_id; });
    return unfinished;
}

Result<std::size_t> Handover::remove_leftovers() const {
    auto unfinished = find_unfinished();
    if (!unfinished) return std::move(unfinished).error();
    std::set<std::string> needed;
    for (const UnfinishedHandover& handover : *unfinished) {
        if (!handover.is_decided) continue;
        const auto plan = read_plan(handover.claimed);
        if (!plan) continue;
        for (const PlannedTask& task : *plan) needed.insert(task.id);
    }
    return folders_.remove_leftovers(needed);
}

}  // namespace quicksilver
