#include "quicksilver/pipeline/processor.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/runners/processing_settings.hpp"
#include "quicksilver/store/file_ops.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "processor_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr auto look_interval = std::chrono::seconds(1);
constexpr int looks_per_scan = 60;
constexpr auto probe_interval = std::chrono::seconds(5);

CoroutineGroup::OnFailure on_failure(Log log) {
    return [log = std::move(log)](const std::string& name, std::exception_ptr failure) {
        std::string reason = "unknown";
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            reason = e.what();
        } catch (...) {
        }
        log.error("processing ended unexpectedly; the task stays in processing until the next start", kv("task", name),
                  kv("reason", reason));
    };
}

}  // namespace

Processor::Processor(StageContext context, asio::thread_pool& modules, const RunnerRegistry& runners,
                     TaskHint to_next_stage)
    : context_(std::move(context)),
      modules_(modules),
      registry_(runners),
      to_next_stage_(std::move(to_next_stage)),
      wakeup_(context_.io, asio::steady_timer::time_point::max()),
      working_(context_.io, on_failure(context_.log)) {
    for (const auto& [name, runner] : registry_.all()) runners_[name] = std::make_unique<Runner>(*runner);
}

Processor::~Processor() = default;

void Processor::add(const std::string& task_id) {
    if (closed_ || tasks_.contains(task_id)) return;
    auto task = std::make_shared<Task>(context_.folders, task_id);
    task->known_since = context_.clock.now();
    task->sequence = ++sequence_;
    tasks_[task_id] = task;
    working_.start("load " + task_id, load(task));
}

asio::awaitable<void> Processor::run() {
    co_await clear_trials();
    for (int look = 0;; look = (look + 1) % looks_per_scan) {
        if (look == 0) co_await look_around();
        auto is_halted = [this] { return context_.folders.is_halted(Stage::processing); };
        const bool halted = co_await run_blocking(context_.files, is_halted);
        if (halted != halted_) context_.log.info(halted ? "processing suspended by HALT" : "processing goes on");
        halted_ = halted;
        watch_runs();
        probe_runners();
        start_tasks();
        co_await context_.clock.wait_for(look_interval);
    }
}

/// Takes in what lies in processing/ and is not known: after a start, or put there by somebody else.
asio::awaitable<void> Processor::look_around() {
    auto list = [this] { return context_.folders.list_ready(Stage::processing); };
    const auto ids = co_await run_blocking(context_.files, list);
    if (!ids) {
        context_.log.error("cannot look through the processing folder", kv("reason", ids.error().message));
        co_return;
    }
    // One that is stuck gets another chance: somebody may have mended its task.json, or made space.
    for (const auto& [id, task] : tasks_) {
        if (task->state != Task::State::stuck) continue;
        task->state = task->failure.empty() ? Task::State::loading : Task::State::leaving;
        working_.start("load " + id, task->failure.empty() ? load(task) : fail(task, task->failure));
    }
    for (const std::string& id : *ids) add(id);
    looked_ = true;
}

asio::awaitable<void> Processor::load(TaskPtr task) {
    struct Found {
        bool exists = false;
        Result<TaskFile> file;
        Result<std::optional<ProcessingState>> state;
    };
    auto read = [&task]() -> Found {
        const bool exists = path_exists(task->folder.path());
        return Found{exists, read_task_file(task->folder.path()), task->folder.state()};
    };
    Found found = co_await run_blocking(context_.files, read);
    if (found.file) task->file = std::move(*found.file);
    // Without task.json it may be the remains of a task that is in its next stage already.
    task->progress = found.state ? std::move(*found.state) : std::nullopt;
    if (task->progress && task->progress->phase == ProcessingState::Phase::publishing) {
        co_await publish(task);
        co_return;
    }
    if (!found.exists) {
        tasks_.erase(task->id);
        co_return;
    }
    if (!found.file || !found.state || task->file.process.empty()) {
        std::string reason = "task.json names no module";
        if (!found.state) reason = found.state.error().message;
        if (!found.file) reason = found.file.error().message;
        stuck(task, reason);
        co_return;
    }
    stuck_.erase(task->id);
    if (task->progress && task->progress->step >= task->file.process.size()) task->progress.reset();
    if (task->progress) restore_results(*task);
    prepare_step(*task);
    task->state = Task::State::waiting;
    if (may_start(task->runner_name, task->needs))
        start_tasks();  // for each of thousands after a start, looking at all is too much
}

void Processor::stuck(const TaskPtr& task, const std::string& reason) {
    task->state = Task::State::stuck;
    if (!stuck_.insert(task->id).second) return;  // said before
    context_.log.error("a task in processing cannot be processed", kv("task", task->id), kv("reason", reason));
    context_.books.task_event(task->id, processor_sender, TaskEventType::error, 0, "", reason);
}

Processor::Runner* Processor::find_runner(const std::string& name) const {
    const auto found = runners_.find(name);
    return found == runners_.end() ? nullptr : found->second.get();
}

/// Whether all is there that a run needs. A runner that does not exist is no reason to wait: it will say so.
bool Processor::may_start(const std::string& runner_name, const SlotNeeds& needs) const {
    const Runner* runner = find_runner(runner_name);
    if (runner != nullptr && (!runner->swept || !runner->away.empty())) return false;
    return slots_.fits(needs, ProcessingSettings::of(*context_.config()).gpus);
}

void Processor::start_tasks() {
    if (closed_ || halted_) return;
    const unsigned running_max = ProcessingSettings::of(*context_.config()).max_parallel;
    while (running_ < running_max) {
        if (admit_guest()) continue;
        const TaskPtr urgent = next_waiting(true);
        const TaskPtr other = next_waiting(false);
        if (!urgent && !other) return;
        const TaskPtr& task = turns_.next_is_urgent(urgent != nullptr, other != nullptr) ? urgent : other;
        start(task);
    }
}

void Processor::start(const TaskPtr& task) {
    slots_.take(task->needs);
    task->has_slots = true;
    task->state = Task::State::running;
    ++running_;
    working_.start(task->id, process(task));
}

/// What still runs has its slots, whatever waits and however many may run by now.
void Processor::resume_runs(const std::string& runner_name) {
    if (closed_) return;
    const std::set<RunId> alive = runners_.at(runner_name)->alive;
    for (const auto& [id, task] : tasks_) {
        if (task->state != Task::State::waiting || task->runner_name != runner_name || !task->progress) continue;
        if (alive.contains(RunId{id, task->progress->step, task->progress->attempt})) start(task);
    }
}

/// The first that came of those that may start now; null when there is none.
Processor::TaskPtr Processor::next_waiting(bool wants_urgent) const {
    const auto config = context_.config();
    const bool offpeak = is_offpeak_time(*config, context_.clock.wall_now());
    TaskPtr next;
    for (const auto& [id, task] : tasks_) {
        if (task->state != Task::State::waiting || (next && next->sequence < task->sequence)) continue;
        if (!may_start(task->runner_name, task->needs)) continue;
        const Priority priority = task_priority(task->file.info, *config);
        if ((priority == Priority::urgent) != wants_urgent) continue;
        // One that has begun is finished whatever the hour.
        if (priority == Priority::offpeak && !offpeak && !task->progress) continue;
        next = task;
    }
    return next;
}

/// Once a second: ends what has run for too long, and writes down what the modules said.
void Processor::watch_runs() {
    const SteadyTime now = context_.clock.now();
    for (const auto& [id, task] : tasks_) {
        if (!task->control) continue;
        if (task->deadline && now >= *task->deadline) task->control->interrupt(Interruption::timed_out);
        flush_log(*task, false);
    }
    for (const auto& guest : guests_) {
        if (guest->control->flag()) guest->wakeup.cancel();
    }
}

void Processor::probe_runners() {
    if (closed_ || !looked_) return;
    // Before all tasks are read, nobody knows which runs are wanted.
    const bool loading = std::any_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
        const Task& task = *entry.second;
        return task.state == Task::State::loading || (task.state == Task::State::running && !task.progress);
    });
    if (loading) return;
    for (const auto& [name, runner] : runners_) {
        const bool unknown = !runner->swept || !runner->away.empty();
        // Asked once at the start, for what an earlier run left; then only when a task waits for it.
        const bool is_first = runner->next_probe == SteadyTime{};
        if (!unknown || runner->probing || context_.clock.now() < runner->next_probe) continue;
        if (!is_first && !runner->leftovers && !is_wanted(name)) continue;
        runner->probing = true;
        working_.start("probe " + name, probe(name));
    }
}

bool Processor::is_wanted(const std::string& runner) const {
    const bool by_guest = std::any_of(guests_.begin(), guests_.end(), [&runner](const auto& guest) {
        return guest->runner == runner && !guest->admitted;
    });
    return by_guest || std::any_of(tasks_.begin(), tasks_.end(), [&runner](const auto& entry) {
               return entry.second->runner_name == runner && entry.second->state == Task::State::waiting;
           });
}

/// Asks whether the runner is there, and sorts out what it still has of earlier runs.
asio::awaitable<void> Processor::probe(std::string name) {
    Runner& runner = *runners_.at(name);
    std::set<RunId> wanted;
    for (const auto& [id, task] : tasks_) {
        // What runs of one that leaves is to end.
        if (!task->progress || task->is_decided()) continue;
        wanted.insert(RunId{id, task->progress->step, task->progress->attempt});
    }
    for (const auto& guest : guests_) wanted.insert(guest->id);
    runner.swept = false;
    const bool had_leftovers = std::exchange(runner.leftovers, false);
    const auto stop = std::make_shared<StopFlag>(false);
    auto ask = [&runner, &wanted, stop]() -> Result<std::set<RunId>> {
        if (const auto ready = runner.runner.ready(*stop); !ready) return ready.error();
        return runner.runner.sweep(wanted);
    };
    const auto alive = co_await run_blocking(modules_, ask);
    runner.probing = false;
    runner.next_probe = context_.clock.now() + probe_interval;
    if (!alive) {
        if (runner.reported != alive.error().message && is_wanted(name)) {
            runner.reported = alive.error().message;
            context_.log.warn("modules cannot run now; their tasks wait", kv("runner", name),
                              kv("reason", alive.error().message));
        }
        runner.away = alive.error().message;
        runner.leftovers = runner.leftovers || had_leftovers;
        co_return;
    }
    if (!runner.reported.empty()) context_.log.info("modules can run again", kv("runner", name));
    runner.reported.clear();
    runner.away.clear();
    runner.alive = *alive;
    runner.swept = true;
    resume_runs(name);
    co_await clear_trials();
    start_tasks();
    wake();
}

/// Sorts out once more what the runner has, though nobody waits for it.
void Processor::ask_again(Runner& runner) const {
    runner.swept = false;
    runner.leftovers = true;
    runner.next_probe = context_.clock.now();
}

void Processor::wake() {
    wakeup_.cancel();
}

void Processor::close() {
    closed_ = true;
    for (const auto& [id, task] : tasks_) {
        if (task->control) task->control->interrupt(Interruption::server_stops);
    }
    for (const auto& guest : guests_) {
        guest->control->interrupt(Interruption::cancelled);  // nobody would go on with it
        guest->wakeup.cancel();
    }
    wake();
}

asio::awaitable<bool> Processor::join(std::chrono::steady_clock::duration grace) {
    const bool done = co_await working_.join(grace);
    co_return done;
}

Result<void> Processor::cancel(const std::string& task_id) {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end() || found->second->is_decided()) {
        return Error{Errc::not_found, fmt::format("task {} is not being processed", task_id)};
    }
    Task& task = *found->second;
    task.cancel_wanted = true;
    if (task.control) task.control->interrupt(Interruption::cancelled);
    if (task.state == Task::State::waiting || task.state == Task::State::stuck) {
        task.state = Task::State::leaving;
        Runner* runner = find_runner(task.runner_name);
        if (runner != nullptr && task.progress) ask_again(*runner);  // something of it may still run
        working_.start("cancel " + task_id, fail(found->second, "cancelled by a person"));
    }
    wake();  // it may wait between two modules
    return {};
}

Processor::Status Processor::status() const {
    Status status;
    status.halted = halted_;
    status.in_flight = running_;
    status.completed_total = completed_total_;
    status.failed_total = failed_total_;
    const SteadyTime now = context_.clock.now();
    for (const auto& [id, task] : tasks_) {
        if (task->state == Task::State::running) {
            const std::size_t step = task->progress ? task->progress->step : 0;
            const std::string module =
                step < task->file.process.size() ? task->file.process[step].module_name : std::string();
            status.running.push_back(RunView{id, module, task->status, now - task->run_since});
        } else if (task->state != Task::State::leaving) {
            ++status.waiting;
            const Seconds age = now - task->known_since;
            if (!status.oldest || age > *status.oldest) status.oldest = age;
        }
    }
    for (const auto& [name, runner] : runners_) {
        if (!runner->away.empty() && is_wanted(name)) status.away[name] = runner->away;
    }
    return status;
}

}  // namespace quicksilver
