#include "quicksilver/pipeline/dispatcher.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/retry_plan.hpp"
#include "quicksilver/store/sent_log.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr const char* sender = "dispatcher.main";
constexpr auto look_interval = std::chrono::seconds(1);
constexpr int looks_per_scan = 60;

std::string text_of(const std::vector<std::string>& reasons) {
    return fmt::format("{}", fmt::join(reasons, "; "));
}

CoroutineGroup::OnFailure on_failure(Log log) {
    return [log = std::move(log)](const std::string& name, std::exception_ptr failure) {
        std::string reason = "unknown";
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            reason = e.what();
        } catch (...) {
        }
        log.error("a delivery ended unexpectedly; its task stays in outgoing until the next start",
                  kv("delivery", name), kv("reason", reason));
    };
}

}  // namespace

/// A task in outgoing/, from the moment that we know of it until it has left.
struct Dispatcher::Task {
    enum class State { loading, queued, retrying, leaving, stuck };

    std::string id;
    std::filesystem::path folder;
    State state = State::loading;
    SteadyTime known_since;
    TaskFile file;
    std::vector<std::filesystem::path> instances;
    std::set<std::string> outstanding;            // targets of this attempt that have not ended
    std::map<std::string, std::string> failures;  // of this attempt: target → reason
};

struct Dispatcher::TargetQueue {
    std::deque<TaskPtr> waiting;
    std::size_t in_flight = 0;
    TargetState totals;
};

Dispatcher::Dispatcher(StageContext context, asio::thread_pool& sends, const TargetRegistry& registry)
    : context_(std::move(context)),
      sends_(sends),
      registry_(registry),
      working_(context_.io, on_failure(context_.log)),
      sleeping_(context_.io, on_failure(context_.log)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::add(const std::string& task_id) {
    if (closed_ || tasks_.contains(task_id)) return;
    auto task = std::make_shared<Task>();
    task->id = task_id;
    task->folder = context_.folders.path(Stage::outgoing, task_id);
    task->known_since = context_.clock.now();
    tasks_[task_id] = task;
    working_.start("load " + task_id, load(task));
}

asio::awaitable<void> Dispatcher::run() {
    for (int look = 0;; look = (look + 1) % looks_per_scan) {
        if (look == 0) co_await look_around();
        auto is_halted = [this] { return context_.folders.is_halted(Stage::outgoing); };
        const bool halted = co_await run_blocking(context_.files, is_halted);
        if (halted != halted_) context_.log.info(halted ? "delivery suspended by HALT" : "delivery goes on");
        halted_ = halted;
        start_deliveries();
        co_await context_.clock.wait_for(look_interval);
    }
}

/// Takes in what lies in outgoing/ and is not known: after a start, or put there by somebody else.
asio::awaitable<void> Dispatcher::look_around() {
    auto list = [this]() -> Result<std::vector<std::string>> {
        const auto entries = context_.folders.list(Stage::outgoing);
        if (!entries) return entries.error();
        std::vector<std::string> ready;
        for (const TaskEntry& entry : *entries) {
            const TaskMarkers markers = TaskFolders::markers_of(entry.path);
            if (!markers.lock && !markers.error && !markers.processing) ready.push_back(entry.id);
        }
        return ready;
    };
    const auto ids = co_await run_blocking(context_.files, list);
    if (!ids) {
        context_.log.error("cannot look through the outgoing folder", kv("reason", ids.error().message));
        co_return;
    }
    // One that is stuck gets another chance: somebody may have mended its task.json.
    for (auto it = tasks_.begin(); it != tasks_.end();) {
        it = it->second->state == Task::State::stuck ? tasks_.erase(it) : std::next(it);
    }
    for (const std::string& id : *ids) add(id);
}

asio::awaitable<void> Dispatcher::load(TaskPtr task) {
    auto read = [&task]() -> Result<void> {
        auto file = read_task_file(task->folder);
        if (!file) return file.error();
        auto instances = TaskFolders::instances(task->folder);
        if (!instances) return instances.error();
        task->file = std::move(*file);
        task->instances = std::move(*instances);
        return {};
    };
    const Result<void> loaded = co_await run_blocking(context_.files, read);
    if (!loaded && loaded.error().code == Errc::not_found && !std::filesystem::exists(task->folder)) {
        tasks_.erase(task->id);
        co_return;
    }
    if (!loaded || !task->file.dispatch) {
        // Nothing says where it should go; only a person can know.
        task->state = Task::State::stuck;
        const std::string reason = loaded ? "task.json names no target" : loaded.error().message;
        if (!stuck_.insert(task->id).second) co_return;  // said before
        context_.log.error("a task in outgoing cannot be delivered", kv("task", task->id), kv("reason", reason));
        context_.books.task_event(task->id, sender, TaskEventType::error, 0, "", reason);
        co_return;
    }
    stuck_.erase(task->id);
    const TaskDispatch& dispatch = *task->file.dispatch;
    if (dispatch.next_retry_at) {
        const double now = std::chrono::duration<double>(context_.clock.wall_now().time_since_epoch()).count();
        const double left = *dispatch.next_retry_at - now;
        // A clock that was set back must not make it wait longer than the delay that was meant.
        if (left > 0) {
            const Seconds longest = context_.config()->retry.delay;
            retry_later(task, std::min(Seconds(left), longest));
            co_return;
        }
    }
    enqueue(task);
}

Dispatcher::TargetQueue& Dispatcher::queue_of(const std::string& target) {
    auto& queue = queues_[target];
    if (!queue) queue = std::make_unique<TargetQueue>();
    return *queue;
}

void Dispatcher::enqueue(const TaskPtr& task) {
    TaskDispatch& dispatch = *task->file.dispatch;
    task->failures.clear();
    task->outstanding.clear();
    for (const std::string& target : dispatch.targets) {
        if (dispatch.status[target].state != DispatchStatus::State::complete) task->outstanding.insert(target);
    }
    task->state = Task::State::queued;
    if (task->outstanding.empty()) {
        working_.start("finish " + task->id, attempt_ended(task));
        return;
    }
    for (const std::string& target : task->outstanding) queue_of(target).waiting.push_back(task);
    start_deliveries();
}

void Dispatcher::start_deliveries() {
    if (closed_ || halted_) return;
    const auto config = context_.config();
    for (auto& [name, queue] : queues_) {
        const TargetConfig* target = config->find_target(name);
        const std::size_t parallel = target ? std::max(1U, target->max_parallel) : 1;
        while (!queue->waiting.empty() && queue->in_flight < parallel) {
            TaskPtr task = std::move(queue->waiting.front());
            queue->waiting.pop_front();
            ++queue->in_flight;
            const std::string title = fmt::format("{} to {}", task->id, name);
            working_.start(title, deliver(std::move(task), name));
        }
    }
}

asio::awaitable<void> Dispatcher::deliver(TaskPtr task, std::string name) {
    ++queue_of(name).totals.attempts_total;
    context_.books.task_event(task->id, sender, TaskEventType::dispatch_begin, task->instances.size(), name,
                              "Routing job running");
    const auto target = target_for(name);
    std::optional<Result<Receipt>> result;
    if (target) {
        // A copy, because another target of the task may end while this one is being sent to.
        Delivery delivery{task->folder, task->file, task->instances, {}};
        auto send = [&] { return send_blocking(delivery, name, **target); };
        result.emplace(co_await run_blocking(sends_, send));
    } else {
        result.emplace(target.error());
    }
    --queue_of(name).in_flight;
    Result<Receipt> outcome = std::move(*result);
    co_await target_ended(std::move(task), std::move(name), std::move(outcome));
    start_deliveries();
}

/// On the sends pool.
Result<Receipt> Dispatcher::send_blocking(Delivery& delivery, const std::string& target_name, Target& target) {
    auto confirmed = confirmed_files(delivery.folder, target_name);
    if (!confirmed) return confirmed.error();
    delivery.confirmed = std::move(*confirmed);
    auto log = SentLog::open(context_.folders.ops(), delivery.folder);
    if (!log) return log.error();
    const auto record = [&](const std::string& file, std::uint16_t status) {
        // If it cannot be written down, the instance is sent again one day; the target knows its UID.
        (void)log->append(SentRecord{target_name, file, status, rfc3339(context_.clock.wall_now())});
    };
    try {
        auto sent = target.send(delivery, record, stop_);
        (void)log->finish();
        return sent;
    } catch (const std::exception& e) {
        (void)log->finish();
        return Error{Errc::io, fmt::format("target {}: {}", target_name, e.what())};
    }
}

asio::awaitable<void> Dispatcher::target_ended(TaskPtr task, std::string name, Result<Receipt> result) {
    TargetState& totals = queue_of(name).totals;
    auto& status = task->file.dispatch->status[name];
    status.time = local_timestamp(context_.clock.wall_now());
    if (result) {
        status.state = DispatchStatus::State::complete;
        ++totals.delivered_total;
        totals.instances_total += result->instances;
        totals.bytes_total += result->bytes;
        totals.last_error.clear();
        context_.books.task_event(task->id, sender, TaskEventType::dispatch_complete, result->instances, name,
                                  "Routing job complete");
        context_.log.info("series sent", kv("task", task->id), kv("series", task->file.info.uid), kv("target", name),
                          kv("instances", result->instances), kv("bytes", result->bytes),
                          kv("warnings", result->warnings));
    } else if (result.error().code == Errc::cancelled) {
        co_return;  // stopping: the task lies where it lay, and the next start goes on
    } else {
        status.state = DispatchStatus::State::error;
        ++totals.failed_total;
        totals.last_error = result.error().message;
        task->failures[name] = result.error().message;
        context_.books.task_event(task->id, sender, TaskEventType::error, 0, name, result.error().message);
        context_.log.warn("delivery failed", kv("task", task->id), kv("target", name),
                          kv("reason", result.error().message));
    }
    task->outstanding.erase(name);
    // The others go on. Until they have ended, sent.log remembers what this one got.
    if (task->outstanding.empty()) co_await attempt_ended(std::move(task));
}

asio::awaitable<void> Dispatcher::attempt_ended(TaskPtr task) {
    if (task->failures.empty()) {
        co_await succeed(std::move(task));
        co_return;
    }
    TaskDispatch& dispatch = *task->file.dispatch;
    ++dispatch.retries;
    const auto delay = delay_after_failure(*task);
    if (!delay) {
        std::vector<std::string> reasons;
        for (const auto& [name, reason] : task->failures) reasons.push_back(reason);
        co_await give_up(std::move(task), text_of(reasons));
        co_return;
    }
    const auto next = context_.clock.wall_now().time_since_epoch() + *delay;
    dispatch.next_retry_at = std::chrono::duration<double>(next).count();
    auto write = [&] { return write_task_file(context_.folders.ops(), task->folder, task->file); };
    const Result<void> written = co_await run_blocking(context_.files, write);
    if (!written) context_.log.error("cannot write task.json", kv("reason", written.error().message));
    retry_later(std::move(task), *delay);
}

std::optional<Seconds> Dispatcher::delay_after_failure(const Task& task) const {
    const auto config = context_.config();
    const auto failures = static_cast<unsigned>(std::max(0, task.file.dispatch->retries));
    std::optional<Seconds> soonest;
    for (const auto& [name, reason] : task.failures) {
        const TargetConfig* target = config->find_target(name);
        const auto delay = next_attempt(target ? target->retry : config->retry, failures);
        if (delay && (!soonest || *delay < *soonest)) soonest = delay;
    }
    return soonest;
}

void Dispatcher::retry_later(TaskPtr task, Seconds delay) {
    if (closed_) return;
    task->state = Task::State::retrying;
    std::string title = task->id;
    sleeping_.start(std::move(title), wake_after(std::move(task), delay));
}

asio::awaitable<void> Dispatcher::wake_after(TaskPtr task, Seconds delay) {
    co_await context_.clock.wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(delay));
    enqueue(task);
}

asio::awaitable<void> Dispatcher::succeed(TaskPtr task) {
    task->state = Task::State::leaving;
    auto move = [&]() -> Result<std::filesystem::path> {
        task->file.dispatch->next_retry_at.reset();
        auto written = write_task_file(context_.folders.ops(), task->folder, task->file);
        if (!written) return written.error();
        return context_.folders.move(task->folder, Stage::success);
    };
    const auto moved = co_await run_blocking(context_.files, move);
    if (!moved) {
        context_.log.error("cannot move a delivered task to success", kv("task", task->id),
                           kv("reason", moved.error().message));
        retry_later(std::move(task), Seconds(30));
        co_return;
    }
    tasks_.erase(task->id);
    ++completed_total_;
    context_.books.task_event(task->id, sender, TaskEventType::move, task->instances.size(), moved->string(),
                              "Moved to success folder");
    context_.books.task_event(task->id, sender, TaskEventType::complete, task->instances.size(), "", "Task complete");
    context_.books.record(journal::TaskUpdated{context_.clock.wall_now(), task->id, to_json_text(task->file)});
    if (has_deliveries(task->file.info.uid)) co_return;  // the last of them says it
    journal::SeriesState state;
    state.time = context_.clock.wall_now();
    state.series_uid = task->file.info.uid;
    state.state = journal::SeriesStage::done;
    context_.books.record(std::move(state));
}

bool Dispatcher::has_deliveries(const std::string& series_uid) const {
    return std::any_of(tasks_.begin(), tasks_.end(),
                       [&series_uid](const auto& entry) { return entry.second->file.info.uid == series_uid; });
}

asio::awaitable<void> Dispatcher::give_up(TaskPtr task, std::string reason) {
    task->state = Task::State::leaving;
    task->file.dispatch->next_retry_at.reset();
    auto park = [&]() -> Result<std::filesystem::path> {
        (void)write_task_file(context_.folders.ops(), task->folder, task->file);
        return context_.folders.park(task->folder, FailStage::dispatching, reason);
    };
    const auto parked = co_await run_blocking(context_.files, park);
    if (!parked) {
        context_.log.error("cannot move a failed task to error", kv("task", task->id),
                           kv("reason", parked.error().message));
        retry_later(std::move(task), Seconds(30));
        co_return;
    }
    tasks_.erase(task->id);
    ++failed_total_;
    context_.log.error("delivery given up", kv("task", task->id), kv("attempts", task->file.dispatch->retries),
                       kv("reason", reason));
    context_.books.task_event(task->id, sender, TaskEventType::suspend, 0, "", "Max retries reached");
    context_.books.task_event(task->id, sender, TaskEventType::move, task->instances.size(), parked->string(),
                              "Moved to error folder");
    context_.books.server_event(sender, MercureEventType::processing, Severity::error,
                                "Series suspended after reaching max retries");
    context_.books.record(journal::TaskUpdated{context_.clock.wall_now(), task->id, to_json_text(task->file)});
    journal::SeriesState state;
    state.time = context_.clock.wall_now();
    state.series_uid = task->file.info.uid;
    state.state = journal::SeriesStage::failed;
    state.outcome = std::move(reason);
    context_.books.record(std::move(state));
}

Result<std::shared_ptr<Target>> Dispatcher::target_for(const std::string& name) {
    const auto config = context_.config();
    if (targets_config_ != config) {
        targets_.clear();  // deliveries that run hold on to theirs
        targets_config_ = config;
    }
    if (const auto known = targets_.find(name); known != targets_.end()) return known->second;
    const TargetConfig* target = config->find_target(name);
    if (!target) return Error{Errc::not_found, fmt::format("target {} is not configured (any more)", name)};
    auto made = registry_.make(*target, *config);
    if (!made) return made.error();
    std::shared_ptr<Target> shared = std::move(*made);
    targets_[name] = shared;
    return shared;
}

void Dispatcher::close() {
    closed_ = true;
    sleeping_.cancel();
}

void Dispatcher::stop() {
    stop_ = true;
    working_.cancel();
}

asio::awaitable<bool> Dispatcher::join(std::chrono::steady_clock::duration grace) {
    const bool awake = co_await sleeping_.join(grace);
    const bool done = co_await working_.join(grace);
    co_return awake&& done;
}

Dispatcher::Status Dispatcher::status() const {
    Status status;
    status.halted = halted_;
    status.completed_total = completed_total_;
    status.failed_total = failed_total_;
    const SteadyTime now = context_.clock.now();
    const auto take_oldest = [now](std::optional<Seconds>& oldest, const Task& task) {
        const Seconds age = now - task.known_since;
        if (!oldest || age > *oldest) oldest = age;
    };
    for (const auto& [name, queue] : queues_) {
        TargetState target = queue->totals;
        target.waiting = queue->waiting.size();
        target.in_flight = queue->in_flight;
        for (const TaskPtr& task : queue->waiting) take_oldest(target.oldest, *task);
        status.in_flight += queue->in_flight;
        status.targets[name] = std::move(target);
    }
    for (const auto& [id, task] : tasks_) {
        if (task->state == Task::State::retrying) {
            for (const auto& [name, reason] : task->failures) {
                TargetState& target = status.targets[name];
                ++target.retrying;
                take_oldest(target.oldest, *task);
            }
        }
        if (task->state != Task::State::leaving) take_oldest(status.oldest, *task);
    }
    status.waiting = tasks_.size() - std::min(tasks_.size(), status.in_flight);
    return status;
}

}  // namespace quicksilver
