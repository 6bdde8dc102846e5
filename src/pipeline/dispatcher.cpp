#include "quicksilver/pipeline/dispatcher.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/store/sent_log.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "dispatch_events.hpp"
#include "dispatch_task.hpp"
#include "target_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sys/stat.h>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr auto look_interval = std::chrono::seconds(1);
constexpr int looks_per_scan = 60;
constexpr auto wait_for_the_unreachable = Seconds(60);

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

WallTime modified_time(const std::filesystem::path& folder) {
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0) return {};
    const auto since_epoch =
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
}

/// A person moved a task that had been given up back to outgoing/, as they do with mercure: it begins anew.
void begin_anew(TaskFile& file) {
    file.info.fail_stage.reset();
    file.info.fail_reason.reset();
    file.dispatch->retries = 0;
    file.dispatch->next_retry_at.reset();
    for (auto& [target, status] : file.dispatch->status) {
        if (status.state == DispatchStatus::State::complete) continue;
        const std::string time = status.time;
        status = DispatchStatus{};
        status.time = time;
    }
}

}  // namespace

Dispatcher::Dispatcher(StageContext context, asio::thread_pool& sends, const TargetRegistry& registry)
    : context_(std::move(context)),
      sends_(sends),
      registry_(registry),
      targets_config_(context_.config()),
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
    co_await read_paused();
    for (int look = 0;; look = (look + 1) % looks_per_scan) {
        auto is_halted = [this] { return context_.folders.is_halted(Stage::outgoing); };
        const bool halted = co_await run_blocking(context_.files, is_halted);
        if (halted != halted_) context_.log.info(halted ? "delivery suspended by HALT" : "delivery goes on");
        halted_ = halted;
        if (look == 0) co_await look_around();  // not before we know whether delivery is suspended
        configuration_changed();
        start_probes();
        start_deliveries();
        co_await context_.clock.wait_for(look_interval);
    }
}

/// Takes in what lies in outgoing/ and is not known: after a start, or put there by somebody else.
asio::awaitable<void> Dispatcher::look_around() {
    auto list = [this] { return context_.folders.list_ready(Stage::outgoing); };
    const auto ids = co_await run_blocking(context_.files, list);
    if (!ids) {
        context_.log.error("cannot look through the outgoing folder", kv("reason", ids.error().message));
        co_return;
    }
    // One that is stuck gets another chance: somebody may have mended its task.json.
    std::erase_if(tasks_, [](const auto& entry) { return entry.second->state == Task::State::stuck; });
    for (const std::string& id : *ids) add(id);
}

asio::awaitable<void> Dispatcher::load(TaskPtr task) {
    auto read = [&task]() -> Result<void> {
        auto file = read_task_file(task->folder);
        if (!file) return file.error();
        auto instances = TaskFolders::instances(task->folder);
        if (!instances) return instances.error();
        task->since = modified_time(task->folder);
        task->file = std::move(*file);
        task->file.id = task->id;  // somebody may have copied the folder; targets make names of it
        task->instances = instances->size();
        return {};
    };
    const Result<void> loaded = co_await run_blocking(context_.files, read);
    if (!loaded && loaded.error().code == Errc::not_found && !std::filesystem::exists(task->folder)) {
        tasks_.erase(task->id);
        co_return;
    }
    if (!loaded || !task->file.dispatch || task->file.dispatch->targets.empty()) {
        // Nothing says where it should go; only a person can know.
        task->state = Task::State::stuck;
        const std::string reason = loaded ? "task.json names no target" : loaded.error().message;
        if (!stuck_.insert(task->id).second) co_return;  // said before
        context_.log.error("a task in outgoing cannot be delivered", kv("task", task->id), kv("reason", reason));
        context_.books.task_event(task->id, dispatch_sender, TaskEventType::error, 0, "", reason);
        co_return;
    }
    stuck_.erase(task->id);
    if (task->file.info.fail_stage) begin_anew(task->file);
    begin(task);
    co_await leave_if_ended(task);
}

/// Every target that has not got the task begins where it stood.
void Dispatcher::begin(const TaskPtr& task) {
    for (const std::string& series : series_of(task->file)) ++series_[series];
    task->state = Task::State::delivering;
    TaskDispatch& dispatch = *task->file.dispatch;
    const bool ours = std::ranges::any_of(dispatch.status, [](const auto& entry) { return entry.second.attempts > 0; });
    for (const std::string& target : dispatch.targets) {
        DispatchStatus& status = dispatch.status[target];
        // mercure counts attempts and waits for the task as a whole.
        if (!ours && status.state != DispatchStatus::State::complete) {
            status.attempts = dispatch.retries;
            status.next_retry_at = dispatch.next_retry_at;
        }
        Share share;
        share.target = target;
        if (status.state == DispatchStatus::State::complete) share.state = Share::State::complete;
        // Given up by an earlier run, while another target of the task was not done.
        const bool ended = status.state == DispatchStatus::State::error && status.attempts > 0 && !status.next_retry_at;
        if (ours && ended) share.state = Share::State::failed;
        task->shares[target] = std::move(share);
    }
    for (auto& [target, share] : task->shares) {
        if (share.state != Share::State::waiting) continue;
        const auto next = dispatch.status[target].next_retry_at;
        const double now = std::chrono::duration<double>(context_.clock.wall_now().time_since_epoch()).count();
        if (!next || *next <= now) {
            place(task, share);
            continue;
        }
        // A clock that was set back must not make it wait longer than the delay that was meant.
        const TargetConfig* config = context_.config()->find_target(target);
        const RetryConfig& retry = config ? config->retry : context_.config()->retry;
        const Seconds longest =
            std::max(retry.delay, retry.multiplier > 1 ? retry.max_delay : retry.delay) * (1 + retry.jitter);
        retry_later(task, share, std::min(Seconds(*next - now), longest));
    }
    start_deliveries();
}

Dispatcher::TargetQueue& Dispatcher::queue_of(const std::string& target) {
    auto& queue = queues_[target];
    if (!queue) {
        queue = std::make_unique<TargetQueue>();
        const auto config = context_.config();
        if (const TargetConfig* known = config->find_target(target))
            queue->breaker.set_plan(circuit_plan(known->retry));
    }
    return *queue;
}

TargetLoad Dispatcher::load_of(const std::string& target) const {
    const auto found = queues_.find(target);
    if (found == queues_.end()) return {};
    const TargetQueue& queue = *found->second;
    return TargetLoad{queue.breaker.state() == CircuitBreaker::State::open, queue.paused || queue.draining,
                      queue.tasks()};
}

/// Where the share may go now, best first.
std::vector<std::string> Dispatcher::candidates(const Task& task, const Share& share) const {
    const auto config = context_.config();
    const TargetConfig* target = config->find_target(share.target);
    if (!target) return {share.target};  // the attempt says that it is not configured
    const auto load = [this](const std::string& name) { return load_of(name); };
    auto names = delivery_order(*target, task.file.info.mrn, load);
    std::erase_if(names, [&share](const std::string& name) { return share.tried.contains(name); });
    return names;
}

/// Puts the share into the queue of the target that it goes to now. When none can be reached the attempt has failed,
/// without running into a time-out once more.
void Dispatcher::place(const TaskPtr& task, Share& share) {
    const auto names = candidates(*task, share);
    if (!names.empty()) {
        share.state = Share::State::waiting;
        share.via = names.front();
        const auto config = context_.config();
        queue_of(share.via).line().push({task, share.target}, task_priority(task->file.info, *config), task->since);
        return;
    }
    const auto config = context_.config();
    const TargetConfig* target = config->find_target(share.target);
    if (target && target->retry.attempts == 0) {
        // It is tried until it works, so there is nothing to count: the target wakes it when it is back.
        share.unreachable = true;
        retry_later(task, share, std::max(target->retry.delay, wait_for_the_unreachable));
        return;
    }
    share.state = Share::State::sending;  // so that nobody else takes it up until the failure is noted
    unreachable_.push_back({task, share.target});
    if (unreachable_.size() == 1) working_.start("unreachable", note_unreachable());
}

/// One after the other: when thousands wait for a target that goes down, the other stages need the disk, too.
asio::awaitable<void> Dispatcher::note_unreachable() {
    while (!unreachable_.empty() && !closed_) {
        const auto [task, name] = unreachable_.front();
        Share& share = task->shares.at(name);
        if (!task->cancelled && !candidates(*task, share).empty()) {
            place(task, share);  // it is back already
            start_deliveries();
        } else {
            const std::string because = queue_of(name).down_because;
            Error error{Errc::network,
                        fmt::format("{} cannot be reached at present{}{}", name, because.empty() ? "" : ": ", because)};
            co_await share_failed(task, name, std::move(error), true);
        }
        unreachable_.pop_front();
    }
}

void Dispatcher::start_deliveries() {
    start_again_ = true;
    if (starting_) return;
    starting_ = true;
    while (start_again_ && !closed_ && !halted_) {
        start_again_ = false;
        for (auto& [name, queue] : queues_) start_deliveries_of(name, *queue);
    }
    starting_ = false;
}

void Dispatcher::start_deliveries_of(const std::string& name, TargetQueue& queue) {
    const auto config = context_.config();
    const TargetConfig* target = config->find_target(name);
    const auto state = target ? queue.breaker.state() : CircuitBreaker::State::closed;
    if (queue.draining && queue.waiting.empty() && queue.in_flight == 0) end_drain(queue);
    if (queue.paused) return;
    if (state == CircuitBreaker::State::open) {
        while (auto entry = queue.waiting.pop(true)) place(entry->task, entry->task->shares.at(entry->share));
        return;
    }
    const std::size_t allowed = target ? std::max(1U, target->max_parallel) : 1;
    const std::size_t parallel = state == CircuitBreaker::State::trial ? 1 : allowed;
    const bool offpeak = is_offpeak_time(*config, context_.clock.wall_now());
    while (queue.in_flight < parallel) {
        auto next = queue.waiting.pop(offpeak);
        if (!next) return;
        ++queue.in_flight;
        queue.is_at_rest = false;
        Share& share = next->task->shares.at(next->share);
        share.state = Share::State::sending;
        share.stop = std::make_shared<StopFlag>(stop_.load());
        const std::string title = fmt::format("{} to {}", next->task->id, name);
        working_.start(title, deliver(std::move(next->task), std::move(next->share), name));
    }
}

asio::awaitable<void> Dispatcher::deliver(TaskPtr task, std::string share_name, std::string via) {
    ++queue_of(via).totals.attempts_total;
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::dispatch_begin, task->instances, via,
                              "Routing job running");
    const auto target = target_for(via);
    std::optional<Result<Receipt>> result;
    if (target) {
        // A copy, because another target of the task may end while this one is being sent to.
        Delivery delivery{task->folder, task->file, {}, {}, {}};
        const auto stop = task->shares.at(share_name).stop;
        auto send = [&] { return send_blocking(delivery, via, **target, *stop); };
        result.emplace(co_await run_blocking(sends_, send));
    } else {
        result.emplace(target.error());
    }
    --queue_of(via).in_flight;
    const bool fixed_address = target && (*target)->has_fixed_address();
    Result<Receipt> outcome = std::move(*result);
    co_await delivery_ended(std::move(task), std::move(share_name), via, fixed_address, std::move(outcome));
    start_deliveries();
    TargetQueue& queue = queue_of(via);
    if (!target || queue.in_flight > 0 || queue.is_at_rest) co_return;
    queue.is_at_rest = true;
    working_.start("rest " + via, rest(*target));
}

/// Closes what the target kept open for a next task.
asio::awaitable<void> Dispatcher::rest(std::shared_ptr<Target> target) {
    auto close = [&target] { target->rest(); };
    co_await run_blocking(sends_, close);
}

/// On the sends pool.
Result<Receipt> Dispatcher::send_blocking(Delivery& delivery, const std::string& target_name, Target& target,
                                          const StopFlag& stop) {
    auto instances = TaskFolders::instances(delivery.folder);
    if (!instances) return instances.error();
    delivery.instances = std::move(*instances);
    auto confirmed = confirmed_files(delivery.folder, target_name);
    if (!confirmed) return confirmed.error();
    delivery.confirmed = std::move(*confirmed);
    auto log = SentLog::open(context_.folders.ops(), delivery.folder);
    if (!log) return log.error();
    const auto record = [&](const std::string& file, std::uint16_t status) {
        // If it cannot be written down, the instance is sent again one day; the target knows its UID.
        (void)log->append(SentRecord{target_name, file, status, rfc3339(context_.clock.wall_now()), false});
    };
    delivery.withdraw = [&](const std::string& file, std::uint16_t status) {
        (void)log->append(SentRecord{target_name, file, status, rfc3339(context_.clock.wall_now()), true});
    };
    try {
        auto sent = target.send(delivery, record, stop);
        if (!sent) (void)log->finish();  // that all is there is written down in task.json
        return sent;
    } catch (const std::exception& e) {
        (void)log->finish();
        return Error{Errc::io, fmt::format("target {}: {}", target_name, e.what())};
    }
}

Result<std::shared_ptr<Target>> Dispatcher::target_for(const std::string& name) {
    configuration_changed();
    if (const auto known = targets_.find(name); known != targets_.end()) return known->second;
    const TargetConfig* target = targets_config_->find_target(name);
    if (!target) return Error{Errc::not_found, fmt::format("target {} is not configured (any more)", name)};
    auto made = registry_.make(*target, *targets_config_);
    if (!made) return made.error();
    std::shared_ptr<Target> shared = std::move(*made);
    targets_[name] = shared;
    return shared;
}

/// Targets are made anew from a new configuration, and one that was down gets another chance with it.
void Dispatcher::configuration_changed() {
    auto config = context_.config();
    if (config == targets_config_) return;
    targets_config_ = std::move(config);
    // Deliveries that run hold on to theirs.
    for (auto& [name, target] : targets_) working_.start("rest " + name, rest(std::move(target)));
    targets_.clear();
    for (auto& [name, queue] : queues_) {
        const TargetConfig* target = targets_config_->find_target(name);
        if (target) queue->breaker.set_plan(circuit_plan(target->retry));
        queue->breaker.look_again(context_.clock.now());
        if (target && target->name != name) move_to(target->name, *queue);
    }
}

/// What waits for a target that has another name now.
void Dispatcher::move_to(const std::string& name, TargetQueue& former) {
    TargetQueue& queue = queue_of(name);
    if (former.paused || former.draining) queue.paused = true;
    former.paused = former.draining = false;
    for (PriorityQueue<TargetQueue::Entry>* line : {&former.waiting, &former.held}) {
        while (auto entry = line->pop(true)) place(entry->task, entry->task->shares.at(entry->share));
    }
}

void Dispatcher::start_probes() {
    if (closed_) return;
    for (auto& [name, queue] : queues_) {
        if (queue->probing || !queue->breaker.wants_probe(context_.clock.now())) continue;
        if (!targets_config_->find_target(name)) continue;
        queue->probing = true;
        working_.start("probe " + name, probe(name));
    }
}

/// Looks whether a target that was down can be reached again.
asio::awaitable<void> Dispatcher::probe(std::string name) {
    const auto target = target_for(name);
    TargetTest test(TargetTest::Depth::reach, stop_);
    if (target) {
        auto look = [&] { (*target)->test(test); };
        co_await run_blocking(sends_, look);
    }
    TargetQueue& queue = queue_of(name);
    queue.probing = false;
    // Whoever says no is there.
    const bool answered = target && (test.ok() || (test.code() != Errc::network && test.code() != Errc::timed_out));
    if (!answered) {
        queue.breaker.probe_failed(context_.clock.now());
        if (target) queue.down_because = test.summary();
        co_return;
    }
    queue.breaker.probe_answered();
    if (queue.waiting.empty() && queue.in_flight == 0) wake_those_waiting_for(name, 1);
    start_deliveries();
}

void Dispatcher::close() {
    closed_ = true;
    sleeping_.cancel();
}

void Dispatcher::stop() {
    stop_ = true;
    for (auto& [id, task] : tasks_) {
        for (auto& [name, share] : task->shares) {
            if (share.stop) *share.stop = true;
        }
    }
    working_.cancel();
}

asio::awaitable<bool> Dispatcher::join(std::chrono::steady_clock::duration grace) {
    const bool awake = co_await sleeping_.join(grace);
    const bool done = co_await working_.join(grace);
    co_return awake&& done;
}

}  // namespace quicksilver
