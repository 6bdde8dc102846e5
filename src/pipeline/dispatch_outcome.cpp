#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/pipeline/retry_plan.hpp"
#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "dispatch_events.hpp"
#include "dispatch_task.hpp"
#include "target_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr auto try_to_move_again = Seconds(30);

double seconds_of(WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

journal::SeriesState series_state(const std::string& series_uid, journal::SeriesStage stage, WallTime now) {
    journal::SeriesState state;
    state.time = now;
    state.series_uid = series_uid;
    state.state = stage;
    return state;
}

/// What mercure shows for the task as a whole.
void sum_up(TaskDispatch& dispatch) {
    dispatch.retries = 0;
    dispatch.next_retry_at.reset();
    for (const auto& [target, status] : dispatch.status) {
        dispatch.retries = std::max(dispatch.retries, status.attempts);
        if (!status.next_retry_at) continue;
        if (!dispatch.next_retry_at || *status.next_retry_at < *dispatch.next_retry_at) {
            dispatch.next_retry_at = status.next_retry_at;
        }
    }
}

}  // namespace

asio::awaitable<void> Dispatcher::delivery_ended(TaskPtr task, std::string share_name, std::string via,
                                                 bool fixed_address, Result<Receipt> result) {
    Share& share = task->shares.at(share_name);
    share.stop.reset();
    if (result) {
        target_answered(via);
        delivered(*task, share, *result);
        start_deliveries();  // the next one need not wait until this is written down
        co_await save(std::move(task));
        co_return;
    }
    const Error& error = result.error();
    // Stopping: the task lies where it lay, and the next start goes on.
    if (error.code == Errc::cancelled && !task->cancelled) co_return;
    TargetState& totals = queue_of(via).totals;
    ++totals.failed_total;
    totals.last_error = error.message;
    const bool lost = error.code == Errc::network || error.code == Errc::timed_out;
    if (lost && fixed_address) {
        connection_lost(via, error.message);
    } else if (error.code != Errc::not_found && error.code != Errc::cancelled) {
        target_answered(via);
    }
    if (lost && !task->cancelled) {
        share.tried.insert(via);
        const auto others = candidates(*task, share);
        if (!others.empty()) {
            context_.log.warn("delivery failed; another target takes over", kv("task", task->id), kv("target", via),
                              kv("reason", error.message), kv("next", others.front()));
            context_.books.task_event(task->id, dispatch_sender, TaskEventType::error, 0, via, error.message);
            place(task, share);
            co_return;
        }
    }
    Error failure = error;
    co_await share_failed(std::move(task), std::move(share_name), std::move(failure), lost);
}

void Dispatcher::delivered(Task& task, Share& share, const Receipt& receipt) {
    share.state = Share::State::complete;
    DispatchStatus& status = task.file.dispatch->status[share.target];
    status = DispatchStatus{};
    status.state = DispatchStatus::State::complete;
    status.time = local_timestamp(context_.clock.wall_now());
    if (share.via != share.target) status.via = share.via;
    status.committed = receipt.committed;
    TargetState& totals = queue_of(share.via).totals;
    ++totals.delivered_total;
    totals.instances_total += receipt.instances;
    totals.bytes_total += receipt.bytes;
    totals.last_error.clear();
    context_.books.task_event(task.id, dispatch_sender, TaskEventType::dispatch_complete, receipt.instances, share.via,
                              receipt.committed ? "Routing job complete, storage committed" : "Routing job complete");
    context_.log.info("series sent", kv("task", task.id), kv("series", task.file.info.uid), kv("target", share.via),
                      kv("instances", receipt.instances), kv("bytes", receipt.bytes), kv("warnings", receipt.warnings));
}

void Dispatcher::connection_lost(const std::string& target, const std::string& reason) {
    TargetQueue& queue = queue_of(target);
    queue.down_because = reason;
    if (!queue.breaker.lost(context_.clock.now()) || queue.is_down) return;
    queue.is_down = true;
    context_.log.warn("a target cannot be reached; looking for it at growing intervals", kv("target", target),
                      kv("waiting", queue.waiting.size()), kv("reason", reason));
}

void Dispatcher::target_answered(const std::string& target) {
    TargetQueue& queue = queue_of(target);
    if (!queue.breaker.reached()) return;
    queue.is_down = false;
    queue.down_because.clear();
    context_.log.info("a target is back", kv("target", target));
    wake_those_waiting_for(target, tasks_.size());
}

/// Those whose next attempt is due later only because nobody could be reached.
void Dispatcher::wake_those_waiting_for(const std::string& target, std::size_t most) {
    const auto config = context_.config();
    const auto may_go_there = [&](const Share& share) {
        if (share.target == target) return true;
        const TargetConfig* meant = config->find_target(share.target);
        if (!meant) return false;
        const auto& others = meant->type == "group" ? meant->members : meant->failover;
        return std::ranges::find(others, target) != others.end();
    };
    std::size_t woken = 0;
    for (const auto& [id, task] : tasks_) {
        for (auto& [name, share] : task->shares) {
            if (woken == most) return;
            if (share.state != Share::State::retrying || !share.unreachable || !may_go_there(share)) continue;
            share.ahead_of_time = true;
            place(task, share);
            ++woken;
        }
    }
}

void Dispatcher::commitment_reported(const std::string& task_id, const std::string& target) {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end()) return;
    for (auto& [name, share] : found->second->shares) {
        if (share.via != target || share.state != Share::State::retrying) continue;
        share.ahead_of_time = true;
        place(found->second, share);
    }
    start_deliveries();
}

asio::awaitable<void> Dispatcher::share_failed(TaskPtr task, std::string share_name, Error error, bool unreachable) {
    Share& share = task->shares.at(share_name);
    DispatchStatus& status = task->file.dispatch->status[share_name];
    status.state = DispatchStatus::State::error;
    status.time = local_timestamp(context_.clock.wall_now());
    status.reason = error.message;
    const bool was_sent = !unreachable || !share.tried.empty();
    share.tried.clear();
    share.unreachable = unreachable;
    const bool counts = !share.ahead_of_time || context_.clock.wall_now() >= share.due;
    share.ahead_of_time = false;
    if (counts) ++status.attempts;
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::error, 0, share_name, error.message);
    const auto id = kv("task", task->id), name = kv("target", share_name), attempt = kv("attempt", status.attempts);
    if (was_sent) context_.log.warn("delivery failed", id, name, attempt, kv("reason", error.message));
    // Said once for the target itself, not for each of its tasks.
    if (!was_sent) context_.log.debug("not delivered, the target is down", id, name, attempt);

    const auto config = context_.config();
    const TargetConfig* target = config->find_target(share_name);
    const double random = std::uniform_real_distribution<double>(0, 1)(random_);
    auto delay = next_attempt(target ? target->retry : config->retry, static_cast<unsigned>(status.attempts), random);
    if (!counts) delay = std::chrono::duration_cast<Seconds>(share.due - context_.clock.wall_now());
    if (!delay || task->cancelled) {
        share.state = Share::State::failed;
        status.next_retry_at.reset();
        co_await save(std::move(task));
        co_return;
    }
    // Waits for the next attempt only once that is durable, so that a restart does not begin anew.
    share.state = Share::State::noting;
    share.due = context_.clock.wall_now() + std::chrono::duration_cast<WallTime::duration>(*delay);
    status.next_retry_at = seconds_of(share.due);
    co_await save(std::move(task));
}

void Dispatcher::retry_later(const TaskPtr& task, Share& share, Seconds delay) {
    share.state = Share::State::retrying;
    share.due = context_.clock.wall_now() + std::chrono::duration_cast<WallTime::duration>(delay);
    share.wake_at = context_.clock.now() + std::chrono::duration_cast<SteadyTime::duration>(delay);
    // Who sleeps already, from a wait that was cut short, sleeps on if need be. A target that comes and goes would
    // gather sleepers for the whole of the retry delay.
    if (closed_ || (share.sleeper && *share.sleeper <= share.wake_at)) return;
    share.sleeper = share.wake_at;
    sleeping_.start(task->id, wake_at(task, share.target, share.wake_at));
}

asio::awaitable<void> Dispatcher::wake_at(TaskPtr task, std::string share_name, SteadyTime when) {
    for (;;) {
        co_await context_.clock.wait_until(when);
        Share& share = task->shares.at(share_name);
        if (share.sleeper != when) co_return;  // another one sleeps, and not for as long
        share.sleeper.reset();
        if (share.state != Share::State::retrying) co_return;  // woken sooner
        if (context_.clock.now() >= share.wake_at) {
            place(task, share);
            break;
        }
        when = share.wake_at;
        share.sleeper = when;
    }
    start_deliveries();
}

/// Writes task.json, once for all that changed while it was being written; then the task may leave.
asio::awaitable<void> Dispatcher::save(TaskPtr task) {
    task->unsaved = true;
    if (task->saving) co_return;
    // A task that leaves writes its file on the way.
    if (!task->has_ended()) {
        task->saving = true;
        while (task->unsaved) {
            task->unsaved = false;
            sum_up(*task->file.dispatch);
            const std::string text = to_json_text(task->file);
            auto write = [&] {
                return write_durably(context_.folders.ops(), task->folder / TaskFile::file_name, text);
            };
            const Result<void> written = co_await run_blocking(context_.files, write);
            if (!written) context_.log.error("cannot write task.json", kv("reason", written.error().message));
        }
        task->saving = false;
        for (auto& [name, share] : task->shares) {
            if (share.state != Share::State::noting) continue;
            if (task->cancelled) share.state = Share::State::failed;
            if (!task->cancelled) retry_later(task, share, share.due - context_.clock.wall_now());
        }
    }
    co_await leave_if_ended(std::move(task));
}

asio::awaitable<void> Dispatcher::leave_if_ended(TaskPtr task) {
    if (task->state != Task::State::delivering || task->saving || !task->has_ended()) co_return;
    task->state = Task::State::leaving;
    sum_up(*task->file.dispatch);
    std::vector<std::string> reasons;
    for (const auto& [name, share] : task->shares) {
        if (share.state == Share::State::failed) reasons.push_back(task->file.dispatch->status[name].reason);
    }
    if (!reasons.empty() && task->cancelled) reasons = {"cancelled by a person"};
    bool left = false;
    if (reasons.empty()) {
        left = co_await succeed(task);
    } else {
        std::string reason = fmt::format("{}", fmt::join(reasons, "; "));
        left = co_await give_up(task, std::move(reason));
    }
    if (left || closed_) co_return;
    const std::string title = task->id;
    sleeping_.start(title, leave_after(std::move(task), try_to_move_again));
}

asio::awaitable<void> Dispatcher::leave_after(TaskPtr task, Seconds delay) {
    co_await context_.clock.wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(delay));
    task->state = Task::State::delivering;
    co_await leave_if_ended(std::move(task));
}

asio::awaitable<bool> Dispatcher::succeed(TaskPtr task) {
    auto move = [&]() -> Result<std::filesystem::path> {
        auto written = write_task_file(context_.folders.ops(), task->folder, task->file);
        if (!written) return written.error();
        return context_.folders.move(task->folder, Stage::success);
    };
    const auto moved = co_await run_blocking(context_.files, move);
    if (!moved) {
        context_.log.error("cannot move a delivered task to success", kv("task", task->id),
                           kv("reason", moved.error().message));
        co_return false;
    }
    forget(task);
    ++completed_total_;
    const WallTime now = context_.clock.wall_now();
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::move, task->instances, moved->string(),
                              "Moved to success folder");
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::complete, task->instances, "", "Task complete");
    context_.books.record(journal::TaskUpdated{now, task->id, to_json_text(task->file)});
    // The last of the series' deliveries says it.
    for (const std::string& series : series_of(task->file)) {
        if (!series_.contains(series)) context_.books.record(series_state(series, journal::SeriesStage::done, now));
    }
    co_return true;
}

asio::awaitable<bool> Dispatcher::give_up(TaskPtr task, std::string reason) {
    auto park = [&]() -> Result<std::filesystem::path> {
        (void)write_task_file(context_.folders.ops(), task->folder, task->file);
        return context_.folders.park(task->folder, FailStage::dispatching, reason);
    };
    const auto parked = co_await run_blocking(context_.files, park);
    if (!parked) {
        context_.log.error("cannot move a failed task to error", kv("task", task->id),
                           kv("reason", parked.error().message));
        co_return false;
    }
    forget(task);
    ++failed_total_;
    context_.log.error(task->cancelled ? "delivery cancelled" : "delivery given up", kv("task", task->id),
                       kv("attempts", task->file.dispatch->retries), kv("reason", reason));
    const WallTime now = context_.clock.wall_now();
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::suspend, 0, "",
                              task->cancelled ? "Cancelled by a person" : "Max retries reached");
    context_.books.task_event(task->id, dispatch_sender, TaskEventType::move, task->instances, parked->string(),
                              "Moved to error folder");
    if (!task->cancelled) {
        context_.books.server_event(dispatch_sender, MercureEventType::processing, Severity::error,
                                    "Series suspended after reaching max retries");
    }
    context_.books.record(journal::TaskUpdated{now, task->id, to_json_text(task->file)});
    for (const std::string& series : series_of(task->file)) {
        auto state = series_state(series, journal::SeriesStage::failed, now);
        state.outcome = reason;
        context_.books.record(std::move(state));
    }
    co_return true;
}

void Dispatcher::forget(const TaskPtr& task) {
    tasks_.erase(task->id);
    for (const std::string& uid : series_of(task->file)) {
        const auto series = series_.find(uid);
        if (series != series_.end() && --series->second == 0) series_.erase(series);
    }
}

}  // namespace quicksilver
