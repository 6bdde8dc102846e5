// One task on its way through its modules. The queue is in processor.cpp, the end in processor_outcome.cpp.
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/deidentified_task.hpp"
#include "quicksilver/pipeline/module_trial.hpp"
#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "processor_parts.hpp"

#include <boost/asio/redirect_error.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace quicksilver {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr const char* sender = processor_sender;
constexpr unsigned interruptions_max = 5;
const std::string cancelled_by_person = "cancelled by a person";

bool flag_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// A name that is one folder name: no way out of the persistence folder.
bool is_folder_name(const std::string& name) {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

std::string failure_of(const ModuleRun& run, const ModuleEnd& end) {
    return fmt::format("module {} ended with exit code {}{}{}; its log says more", run.module, end.exit_code,
                       end.reason.empty() ? "" : ": ", end.reason);
}

fs::path lock_of(const ModuleRun& run) {
    return run.persistence / (run.id.attempt + std::string(markers::lock));
}

}  // namespace

/// Fills in what the next step of the task needs, by the module as it was when the task was made.
void Processor::prepare_step(Task& task) const {
    const std::size_t step = task.progress ? task.progress->step : 0;
    const TaskProcess& process = task.file.process.at(step);
    const auto config = context_.config();
    task.module_config = process.module_config;
    if (!task.module_config.is_object()) {
        const ModuleConfig* module = config->find_module(process.module_name);
        task.module_config = module != nullptr ? module->settings : nlohmann::json();
    }
    task.needs = slot_needs_of(process.module_name, task.module_config, *config);
    task.runner_name = task.module_config.is_object() ? runner_name(task.module_config, *config) : "";
}

void Processor::give_slots_back(Task& task) {
    if (!std::exchange(task.has_slots, false)) return;
    slots_.give_back(task.needs);
}

asio::awaitable<void> Processor::process(TaskPtr task) {
    struct Leave {
        Processor& processor;
        Task& task;
        ~Leave() {
            processor.give_slots_back(task);
            --processor.running_;
            processor.wake();
            processor.start_tasks();
        }
    };
    const Leave leave{*this, *task};
    task->run_since = context_.clock.now();
    co_await work_on(task);
}

asio::awaitable<void> Processor::work_on(TaskPtr task) {
    Runner* runner = find_runner(task->runner_name);
    bool resumed = false;
    if (task->progress && runner != nullptr) {
        resumed = runner->alive.erase(RunId{task->id, task->progress->step, task->progress->attempt}) > 0;
    }
    if (!resumed && task->progress && task->progress->step > 0) {
        // It begins anew, with the slots of the first module.
        give_slots_back(*task);
        task->progress.reset();
        prepare_step(*task);
        task->state = Task::State::waiting;
        co_return;
    }
    if (!resumed && !co_await begin(task)) co_return;
    task->resumed = resumed;
    if (resumed) context_.log.info("a module goes on", kv("task", task->id), kv("module", task->needs.module));
    for (;;) {
        if (!co_await run_step(task)) co_return;
        if (!co_await take_result(task)) co_return;
        if (task->cancel_wanted) {
            co_await fail(task, cancelled_by_person);
            co_return;
        }
        if (task->progress->step + 1 >= task->file.process.size()) break;
        if (!co_await to_next_step(task)) co_return;
    }
    co_await finish(task);
}

asio::awaitable<bool> Processor::begin(TaskPtr task) {
    if (task->file.process.front().retain_input_images &&
        deidentifying_step(task->file, *context_.config(), task->file.process.size())) {
        std::string reason =
            "processing_retain_images of the rule would deliver the originals beside the de-identified images";
        co_await fail(task, std::move(reason));
        co_return false;
    }
    ProcessingFolder::Inputs inputs;
    const bool is_ours = is_builtin_step(task->runner_name);
    inputs.link = is_ours || (task->module_config.is_object() && flag_of(task->module_config, "link_inputs"));
    inputs.tags = !is_ours;  // it reads the instances themselves
    inputs.additional_tags = context_.config()->dicom.additional_tags;
    const std::string attempt = make_task_id();
    auto work = [&]() -> Result<ProcessingState> {
        // For mercure's scripts; nothing of ours looks at it.
        std::ofstream(task->folder.path() / markers::processing).flush();
        auto begun = task->folder.begin(attempt, inputs);
        if (!begun) return begun;
        const auto instances = TaskFolders::instances(task->folder.in());
        if (instances) task->instances = instances->size();
        return begun;
    };
    auto begun = co_await run_blocking(context_.files, work);
    if (!begun) {
        co_await fail(task, begun.error().message);
        co_return false;
    }
    task->progress = std::move(*begun);
    for (TaskProcess& step : task->file.process) step.output = nullptr;
    context_.books.task_event(task->id, sender, TaskEventType::process_begin, task->instances,
                              task->file.process.front().module_name, "Processing job running");
    co_return true;
}

/// On the modules pool.
Processor::StepOutcome Processor::run_blocking_step(const ModuleRun& run, const RunControl& control,
                                                    const RunProgress& progress, ModuleRunner& runner,
                                                    bool resumed) const {
    using Kind = StepOutcome::Kind;
    const auto outcome_of = [&](const Error& error) -> StepOutcome {
        switch (control.why()) {
            case Interruption::server_stops:
                return {Kind::stopped, "", {}};
            case Interruption::cancelled:
                return {Kind::failed, cancelled_by_person, {}};
            case Interruption::timed_out:
                return {Kind::failed, fmt::format("module {} did not end within its time-out", run.module), {}};
            case Interruption::none:
                break;
        }
        return {error.code == Errc::busy ? Kind::again : Kind::failed, error.message, {}};
    };
    if (!resumed) {
        if (auto prepared = runner.prepare(run, control, progress); !prepared) return outcome_of(prepared.error());
    }
    auto end = runner.run(run, control, progress);
    if (!end && control.why() == Interruption::server_stops) return outcome_of(end.error());
    auto collected = runner.collect(run);
    if (!end || !collected) {
        StepOutcome outcome = outcome_of(end ? collected.error() : end.error());
        outcome.has_leftovers = !collected;
        return outcome;
    }
    if (end->exit_code != 0) return {Kind::failed, failure_of(run, *end), *end};
    return {Kind::done, "", *end};
}

asio::awaitable<bool> Processor::run_step(TaskPtr task) {
    ModuleRunner* runner = registry_.find(task->runner_name);
    if (runner == nullptr) {
        std::string reason = task->module_config.is_object()
                                 ? fmt::format("module {}: this version cannot run modules with '{}'",
                                               task->needs.module, task->runner_name)
                                 : fmt::format("module {} is not configured (any more)", task->needs.module);
        co_await fail(task, std::move(reason));
        co_return false;
    }
    const ModuleRun run = make_run(*task);
    const auto control = std::make_shared<RunControl>();
    arm(*task, control, run);
    const bool resumed = std::exchange(task->resumed, false);
    if (!resumed) {
        context_.books.task_event(task->id, sender, TaskEventType::process_module_begin, task->instances, run.module,
                                  "Processing module running");
    }
    RunProgress progress = progress_for(task, run);
    auto work = [&]() -> StepOutcome {
        if (auto ready = prepare_folders(*task, run, resumed); !ready) {
            return {StepOutcome::Kind::failed, ready.error().message, {}};
        }
        StepOutcome outcome = run_blocking_step(run, *control, progress, *runner, resumed);
        if (outcome.kind != StepOutcome::Kind::stopped) unlock_persistence(run);
        return outcome;
    };
    StepOutcome outcome = co_await run_blocking(modules_, work);
    progress = RunProgress();
    flush_log(*task, true);
    task->control.reset();
    task->deadline.reset();
    if (outcome.kind == StepOutcome::Kind::stopped) co_return false;  // the next start goes on with it
    if (outcome.kind == StepOutcome::Kind::again && task->cancel_wanted) {
        outcome.kind = StepOutcome::Kind::failed;
        outcome.reason = cancelled_by_person;
    }
    if (outcome.kind == StepOutcome::Kind::again && ++task->interruptions <= interruptions_max) {
        wait_again(*task, outcome.reason);
        co_return false;
    }
    if (Runner* keeper = find_runner(task->runner_name); keeper != nullptr && outcome.has_leftovers) {
        ask_again(*keeper);
    }
    if (outcome.kind != StepOutcome::Kind::done) {
        co_await fail(task, std::move(outcome.reason));
        co_return false;
    }
    TaskProcess& process = task->file.process.at(run.id.step);
    if (!outcome.end.image.empty()) process.extra["image"] = outcome.end.image;
    task->progress->images.resize(run.id.step);
    task->progress->images.push_back(outcome.end.image);
    task->are_outputs_checked = outcome.end.is_checked;
    context_.books.task_event(task->id, sender, TaskEventType::process_module_complete, task->instances, run.module,
                              "Processing module complete");
    co_return true;
}

ModuleRun Processor::make_run(const Task& task) const {
    const TaskProcess& process = task.file.process.at(task.progress->step);
    ModuleRun run;
    run.id = RunId{task.id, task.progress->step, task.progress->attempt};
    run.module = process.module_name;
    run.config = task.module_config;
    run.settings = process.settings;
    run.in = task.folder.in();
    run.out = task.folder.out();
    run.server = context_.config();
    run.is_last = run.id.step + 1 >= task.file.process.size();
    if (!task.needs.persistence.empty()) run.persistence = run.server->folders.persistence / task.needs.persistence;
    return run;
}

/// From here on the run can be ended from outside, by its time-out too.
void Processor::arm(Task& task, const std::shared_ptr<RunControl>& control, const ModuleRun& run) const {
    task.control = control;
    task.status = "running";
    task.deadline.reset();
    if (const Seconds limit = time_limit_of(run.config, *run.server); limit.count() > 0) {
        task.deadline = context_.clock.now() + std::chrono::duration_cast<SteadyTime::duration>(limit);
    }
    if (closed_) control->interrupt(Interruption::server_stops);
    if (task.cancel_wanted) control->interrupt(Interruption::cancelled);
}

/// On the modules pool: `in/task.json`, and the persistence folder with mercure's lock.
Result<void> Processor::prepare_folders(const Task& task, const ModuleRun& run, bool resumed) const {
    if (!run.persistence.empty()) {
        if (!is_folder_name(run.persistence.filename()) ||
            run.persistence.parent_path() != run.server->folders.persistence) {
            return Error{Errc::invalid, "persistence_folder_name is no name of a folder: " + task.needs.persistence};
        }
        std::error_code error;
        fs::create_directories(run.persistence, error);
        // Nobody else uses the folder now, so other locks are of runs that a crash has cut off.
        std::vector<fs::path> stale;
        for (fs::directory_iterator entry(run.persistence, error), end; !error && entry != end;
             entry.increment(error)) {
            if (entry->path().extension() == markers::lock) stale.push_back(entry->path());
        }
        for (const fs::path& lock : stale) (void)context_.folders.ops().unlink(lock);
        std::ofstream(lock_of(run)).flush();
        if (!path_exists(lock_of(run))) {
            return Error{Errc::io, fmt::format("cannot write to the persistence folder {}: check its rights",
                                               run.persistence.string())};
        }
    }
    if (resumed) return {};
    // What runs after a de-identification must not learn from task.json who it was.
    const auto hidden = deidentifying_step(task.file, *run.server, run.id.step);
    if (!hidden) return task.folder.write_step_task(task.file, run.id.step);
    return task.folder.write_step_task(deidentified(task.file, *hidden, task.folder.in()), run.id.step);
}

void Processor::unlock_persistence(const ModuleRun& run) const {
    if (!run.persistence.empty()) (void)context_.folders.ops().unlink(lock_of(run));
}

/// The runner is away; the task keeps its place in the queue.
void Processor::wait_again(Task& task, const std::string& reason) {
    context_.log.warn("a module could not run now; its task waits", kv("task", task.id),
                      kv("module", task.needs.module), kv("reason", reason));
    task.state = Task::State::waiting;
    task.status.clear();
    if (Runner* runner = find_runner(task.runner_name)) {
        runner->away = reason;
        runner->reported = reason;
        ask_again(*runner);
    }
}

/// What the steps that are done have given, which task.json has only when all are.
void Processor::restore_results(Task& task) {
    const ProcessingState& state = *task.progress;
    for (std::size_t at = 0; at < state.step; ++at) {
        TaskProcess& process = task.file.process.at(at);
        if (at < state.outputs.size() && state.outputs[at].size() == 2 && state.outputs[at][1].is_object()) {
            process.output = state.outputs[at][1];
        }
        if (at < state.images.size() && !state.images[at].empty()) process.extra["image"] = state.images[at];
    }
}

asio::awaitable<bool> Processor::take_result(TaskPtr task) {
    ProcessingState& progress = *task->progress;
    TaskProcess& process = task->file.process.at(progress.step);
    auto read = [&]() -> Result<nlohmann::ordered_json> {
        auto result = task->folder.read_result();
        if (!result) return result;
        // mercure refuses a task.json in which this is anything else.
        process.output = result->is_object() ? *result : nlohmann::ordered_json();
        if (to_json_text(task->file).size() <= TaskFile::bytes_max) return result;
        process.output = nullptr;
        return Error{Errc::invalid,
                     "the results of the modules are too large for one task; large results go into "
                     "files of their own"};
    };
    auto result = co_await run_blocking(context_.files, read);
    if (!result) {
        co_await fail(task, result.error().message);
        co_return false;
    }
    if (result->is_discarded()) {
        const std::string note = "the module's result.json is no JSON and counts as none";
        context_.log.warn(note, kv("task", task->id), kv("module", process.module_name));
        context_.books.task_event(task->id, sender, TaskEventType::unknown, 0, process.module_name, note);
        *result = nullptr;
    }
    progress.outputs.push_back(nlohmann::ordered_json::array({process.module_name, *result}));
    if (!result->is_null()) {
        const auto replace = nlohmann::ordered_json::error_handler_t::replace;
        journal::ProcessorOutput output;
        output.time = context_.clock.wall_now();
        output.task_id = task->id;
        output.acc = task->file.info.acc;
        output.mrn = task->file.info.mrn;
        output.module = process.module_name;
        output.index = progress.step;
        output.settings = process.settings.dump(-1, ' ', false, replace);
        output.output = result->dump(-1, ' ', false, replace);
        context_.books.record(std::move(output));
    }
    co_return true;
}

asio::awaitable<bool> Processor::to_next_step(TaskPtr task) {
    give_slots_back(*task);
    ProcessingState progress = *task->progress;
    auto work = [&] { return task->folder.next_step(progress); };
    const Result<void> moved = co_await run_blocking(context_.files, work);
    if (!moved) {
        co_await fail(task, moved.error().message);
        co_return false;
    }
    task->progress = std::move(progress);
    prepare_step(*task);
    task->status = "waits for its next module";
    start_tasks();
    while (!closed_ && !task->cancel_wanted && !may_start(task->runner_name, task->needs)) {
        boost::system::error_code ignored;  // the timer never expires: waking up is always a "cancel"
        co_await wakeup_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    if (closed_) co_return false;
    if (task->cancel_wanted) {
        co_await fail(task, cancelled_by_person);
        co_return false;
    }
    slots_.take(task->needs);
    task->has_slots = true;
    co_return true;
}

}  // namespace quicksilver
