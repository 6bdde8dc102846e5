#include "quicksilver/store/handover.hpp"

#include "quicksilver/store/durable_file.hpp"

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

using Paths = std::vector<fs::path>;

/// What plan.json keeps of a task; the rest lies in its hidden folder.
struct PlanEntry {
    std::string id;
    Stage stage;
};
using Plan = std::vector<PlanEntry>;

std::optional<Stage> stage_of(std::string_view name) {
    for (const Stage stage :
         {Stage::studies, Stage::processing, Stage::outgoing, Stage::success, Stage::error, Stage::discard}) {
        if (to_string(stage) == name) return stage;
    }
    return std::nullopt;
}

Result<void> write_plan(FileOps& ops, const fs::path& claimed, const Plan& plan) {
    nlohmann::ordered_json tasks = nlohmann::ordered_json::array();
    for (const PlanEntry& entry : plan) tasks.push_back({{"id", entry.id}, {"stage", to_string(entry.stage)}});
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
            plan.push_back(PlanEntry{task.at("id").get<std::string>(), *stage});
        }
        return plan;
    } catch (const nlohmann::json::exception& bad) {
        return Error{Errc::invalid, fmt::format("{}/{} is damaged: {}", claimed.string(), plan_name, bad.what())};
    }
}

/// What each task gets: all files of the series, but nothing of ours.
Result<Paths> files_to_share(const fs::path& claimed) {
    constexpr std::array<std::string_view, 3> ours = {plan_name, TaskFile::file_name, "error.txt"};
    std::error_code error;
    Paths files;
    for (fs::directory_iterator entry(claimed, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const bool is_ours = std::find(ours.begin(), ours.end(), name) != ours.end();
        if (name.starts_with('.') || is_ours || !entry->is_regular_file(error)) continue;
        files.push_back(entry->path());
    }
    if (error) return file_error("list", claimed, error.value());
    std::sort(files.begin(), files.end());
    return files;
}

void drop_prepared(const TaskFolders& folders, const Plan& plan) {
    for (const PlanEntry& entry : plan) {
        (void)folders.remove(hidden_name(folders.path(entry.stage, entry.id), hidden::making));
    }
}

/// Renames what is still hidden, makes all names durable, then removes the claimed folder.
Result<Paths> publish_all(const TaskFolders& folders, const fs::path& claimed, const Plan& plan) {
    FileOps& ops = folders.ops();
    Paths published;
    std::set<Stage> stages;
    for (const PlanEntry& entry : plan) {
        stages.insert(entry.stage);
        fs::path task = folders.path(entry.stage, entry.id);
        if (!folders.is_prepared(entry.stage, entry.id)) continue;
        if (const auto renamed = ops.rename(hidden_name(task, hidden::making), task); !renamed) return renamed.error();
        published.push_back(std::move(task));
    }
    // Also for those that an earlier attempt renamed: its sync may be what failed.
    for (const Stage stage : stages) {
        if (auto synced = ops.sync_folder(folders.path(stage)); !synced) return std::move(synced).error();
    }
    if (auto removed = folders.remove(claimed); !removed) return std::move(removed).error();
    return published;
}

}  // namespace

Result<Paths> Handover::hand_over(const fs::path& claimed, const std::vector<PlannedTask>& tasks) const {
    if (tasks.empty()) return Error{Errc::invalid, fmt::format("no task planned for {}", claimed.string())};
    if (path_exists(claimed / plan_name)) return finish(claimed);
    if (tasks.size() == 1) {
        auto whole = hand_over_whole(claimed, tasks.front());
        if (!whole) return std::move(whole).error();
        if (*whole) return Paths{std::move(**whole)};
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

Result<Paths> Handover::hand_over_copies(const fs::path& claimed, const std::vector<PlannedTask>& tasks) const {
    if (!path_exists(claimed)) return Paths{};
    auto files = files_to_share(claimed);
    if (!files) return std::move(files).error();

    Plan plan;
    for (const PlannedTask& task : tasks) {
        plan.push_back(PlanEntry{task.id, task.stage});
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
    return publish_all(folders_, claimed, plan);
}

Result<Paths> Handover::finish(const fs::path& claimed) const {
    if (!path_exists(claimed)) return Paths{};
    auto plan = read_plan(claimed);
    if (!plan) return std::move(plan).error();
    // The attempt that wrote it may have failed to make it durable.
    if (auto written = write_plan(folders_.ops(), claimed, *plan); !written) return std::move(written).error();
    return publish_all(folders_, claimed, *plan);
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
        for (const PlanEntry& entry : *plan) needed.insert(entry.id);
    }
    return folders_.remove_leftovers(needed);
}

}  // namespace quicksilver
