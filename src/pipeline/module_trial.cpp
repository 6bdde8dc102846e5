#include "quicksilver/pipeline/module_trial.hpp"

#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/pipeline/processing_folder.hpp"
#include "quicksilver/pipeline/routing.hpp"
#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/pipeline/runners/processing_settings.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_file.hpp"

#include "runners/container_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view folder_prefix = "test-run-";
constexpr int looks_for_files = 3;

/// How names of this start begin; those of earlier ones begin with other words.
const std::string& prefix_of_this_start() {
    constexpr std::size_t word = 8;
    static const std::string prefix = fmt::format("{}{}-", folder_prefix, make_task_id().substr(0, word));
    return prefix;
}

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// The end of what a module says. Any thread.
class LogEnd {
public:
    void add(std::string_view lines) {
        const std::lock_guard lock(mutex_);
        text_ += lines;
        if (text_.size() > 2 * ModuleTrial::log_max) text_.erase(0, text_.size() - ModuleTrial::log_max);
    }
    std::string take() {
        const std::lock_guard lock(mutex_);
        if (text_.size() <= ModuleTrial::log_max) return std::move(text_);
        const auto line_end = text_.find('\n', text_.size() - ModuleTrial::log_max);
        return line_end == std::string::npos ? text_ : text_.substr(line_end + 1);
    }

private:
    std::mutex mutex_;  // guards the next
    std::string text_;
};

}  // namespace

SlotNeeds slot_needs_of(const std::string& module, const nlohmann::json& module_config, const Config& config) {
    SlotNeeds needs;
    needs.module = module;
    if (!module_config.is_object()) return needs;
    const auto max = module_config.find("max_parallel");
    const bool is_number = max != module_config.end() && max->is_number();
    needs.module_max = static_cast<unsigned>(std::max(0.0, is_number ? max->get<double>() : 0.0));
    needs.gpus = gpus_of(module_config, config.processing.runtime);
    if (flag_of(module_config, "requires_persistence")) {
        const std::string folder = text_of(module_config, "persistence_folder_name");
        needs.persistence = folder.empty() ? module : folder;
    }
    return needs;
}

Seconds time_limit_of(const nlohmann::json& module_config, const Config& config) {
    const auto own = module_config.find("timeout");
    const bool is_number = own != module_config.end() && own->is_number();
    const double limit_s = is_number ? own->get<double>() : 0.0;
    return limit_s > 0 ? Seconds(limit_s) : ProcessingSettings::of(config).timeout;
}

/// The folder of one trial, which goes with it.
class ModuleTrial::Sandbox {
public:
    Sandbox(FileOps& ops, fs::path path) : ops_(ops), path_(std::move(path)) {}
    ~Sandbox() { (void)remove_folder_tree(ops_, path_); }
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    const fs::path& path() const { return path_; }

private:
    FileOps& ops_;
    const fs::path path_;
};

ModuleTrial::ModuleTrial(const TaskFolders& folders, std::shared_ptr<const Config> config, Order order)
    : folders_(folders), config_(std::move(config)), order_(std::move(order)) {
    id_ = RunId{prefix_of_this_start() + make_task_id(), 0, make_task_id()};
    runner_ = runner_name(order_.config, *config_);
    needs_ = slot_needs_of(order_.module, order_.config, *config_);
}

Result<ModuleTrial::End> ModuleTrial::run(ModuleRunner& runner, const RunControl& control, const Observer& tell) const {
    FileOps& ops = folders_.ops();
    const Sandbox sandbox(ops, config_->folders.jobs / id_.task);
    if (auto made = make_folders(ops, sandbox.path()); !made) return made.error();
    const auto files = fill(sandbox.path());
    if (!files) return files.error();
    tell("files", fmt::format("{} files", *files));

    const ProcessingFolder folder(folders_, id_.task, sandbox.path());
    ProcessingFolder::Inputs inputs;
    const bool is_ours = is_builtin_step(runner_);
    inputs.link = is_ours || flag_of(order_.config, "link_inputs");
    inputs.tags = !is_ours;
    inputs.additional_tags = config_->dicom.additional_tags;
    if (auto begun = folder.begin(id_.attempt, inputs); !begun) return begun.error();
    auto task = read_task_file(sandbox.path());
    if (!task) return task.error();
    if (auto written = folder.write_step_task(*task, 0); !written) return written.error();

    ModuleRun module;
    module.id = id_;
    module.module = order_.module;
    module.config = order_.config;
    module.settings = task->process.front().settings;
    module.in = folder.in();
    module.out = folder.out();
    module.server = config_;
    if (!needs_.persistence.empty()) {
        module.persistence = sandbox.path() / "persistence";
        if (auto copied = copy_persistence(module.persistence); !copied) return copied.error();
    }
    const auto log = std::make_shared<LogEnd>();
    RunProgress progress;
    progress.output = [log](std::string_view lines) { log->add(lines); };
    progress.status = [&tell](const std::string& text) { tell("image", text); };
    const auto prepared = runner.prepare(module, control, progress);
    if (!prepared) return prepared.error();
    tell("run", "the module runs");
    const auto begin = std::chrono::steady_clock::now();
    const auto ended = runner.run(module, control, progress);
    const Seconds seconds = std::chrono::steady_clock::now() - begin;
    const auto collected = runner.collect(module);
    if (!ended && control.why() == Interruption::timed_out) {
        return Error{Errc::timed_out, fmt::format("module {} did not end within its time-out", order_.module)};
    }
    if (!ended) return ended.error();
    if (!collected) return collected.error();
    End end = sum_up(*ended, seconds, folder);
    end.log = log->take();
    return end;
}

/// Links to the files of the series, and a task.json that names nothing but the module. How many there are.
Result<std::uint64_t> ModuleTrial::fill(const fs::path& folder) const {
    FileOps& ops = folders_.ops();
    std::uint64_t linked = 0;
    Result<void> last;
    for (int look = 0; look < looks_for_files; ++look) {
        linked = 0;
        last = Result<void>();
        for (const fs::path& file : order_.find_files()) {
            if (path_exists(folder / file.filename())) continue;
            last = link_or_copy_file(ops, file, folder / file.filename());
            if (!last) break;
            ++linked;
        }
        if (last) break;
        if (last.error().code != Errc::not_found && last.error().code != Errc::io) return last.error();
    }
    if (!last) return last.error();
    const auto tags = read_series_tags(folder, *config_);
    if (!tags) return Error{Errc::not_found, "the files of this series are not here any more"};
    TaskFile task;
    task.id = id_.task;
    task.info = make_task_info(*tags, order_.series_uid, "series", ServerIdentity{});
    task.info.action = "process";
    TaskProcess step;
    step.module_name = order_.module;
    step.module_config = order_.config;
    if (const auto settings = order_.config.find("settings");
        settings != order_.config.end() && settings->is_object()) {
        step.settings = *settings;
    }
    task.process.push_back(std::move(step));
    if (auto written = write_task_file(ops, folder, task); !written) return written.error();
    const auto instances = TaskFolders::instances(folder);
    return instances ? std::uint64_t{instances->size()} : linked;
}

/// A copy, so that what the module keeps stays as it is. Nobody else uses the folder meanwhile.
Result<void> ModuleTrial::copy_persistence(const fs::path& to) const {
    const fs::path from = config_->folders.persistence / needs_.persistence;
    if (from.parent_path() != config_->folders.persistence || needs_.persistence.starts_with('.')) {
        return Error{Errc::invalid, "persistence_folder_name is no name of a folder: " + needs_.persistence};
    }
    std::error_code error;
    fs::create_directories(to, error);
    std::uint64_t bytes = 0;
    const auto options = fs::directory_options::none;  // links are not followed
    for (fs::recursive_directory_iterator entry(from, options, error), end; !error && entry != end;
         entry.increment(error)) {
        const fs::path place = to / entry->path().lexically_relative(from);
        std::error_code failed;
        const auto status = entry->symlink_status(failed);
        if (fs::is_directory(status)) fs::create_directory(place, failed);
        if (!fs::is_regular_file(status) || entry->path().extension() == markers::lock) continue;
        bytes += entry->file_size(failed);
        if (bytes > persistence_max) {
            return Error{Errc::no_space, "the module keeps too much between its runs to be copied for a test run"};
        }
        if (!fs::copy_file(entry->path(), place, failed)) {
            return Error{failed == std::errc::no_space_on_device ? Errc::no_space : Errc::io,
                         fmt::format("cannot copy {}: {}", entry->path().string(), failed.message())};
        }
    }
    return {};
}

ModuleTrial::End ModuleTrial::sum_up(const ModuleEnd& ended, Seconds seconds, const ProcessingFolder& folder) const {
    End end;
    end.exit_code = ended.exit_code;
    end.image = ended.image;
    end.seconds = seconds;
    if (ended.exit_code != 0) {
        end.problem = fmt::format("it ended with exit code {}{}{}", ended.exit_code, ended.reason.empty() ? "" : ": ",
                                  ended.reason);
    }
    const auto result = folder.read_result();
    const bool is_json = result && !result->is_discarded();
    if (is_json) end.result = *result;
    if (!result && end.problem.empty()) end.problem = result.error().message;
    const auto outputs = folder.check_outputs(ended.is_checked);
    if (!outputs && end.problem.empty()) end.problem = outputs.error().message;
    if (result && !is_json && end.problem.empty()) {
        end.problem = "its result.json is no JSON; a task would go on as if there was none";
    }
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder.out(), error), last; !error && entry != last;
         entry.increment(error)) {
        std::error_code ignored;
        if (!fs::is_regular_file(entry->symlink_status(ignored))) continue;
        ++end.outputs_total;
        if (end.outputs.size() >= outputs_max) continue;
        end.outputs.push_back(
            {entry->path().lexically_relative(folder.out()).string(), std::uint64_t{entry->file_size(ignored)}});
    }
    std::ranges::sort(end.outputs, {}, &Output::name);
    return end;
}

Result<void> ModuleTrial::remove_leftovers(FileOps& ops, const fs::path& jobs) {
    std::vector<fs::path> found;
    std::error_code none;
    for (fs::directory_iterator entry(jobs, none), end; !none && entry != end; entry.increment(none)) {
        std::string name = entry->path().filename();
        if (name.starts_with(hidden::removing)) name.erase(0, hidden::removing.size());
        const bool is_ours = name.starts_with(prefix_of_this_start());
        if (name.starts_with(folder_prefix) && !is_ours) found.push_back(entry->path());
    }
    for (const fs::path& folder : found) {
        if (auto removed = remove_folder_tree(ops, folder); !removed) return removed;
    }
    return {};
}

}  // namespace quicksilver
