#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/sent_log.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "dispatch_events.hpp"
#include "dispatch_task.hpp"
#include "target_queue.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

/// The stage of these in which a task lies, or nothing.
std::optional<Stage> find_stage(const TaskFolders& folders, const std::string& task_id,
                                std::initializer_list<Stage> stages) {
    for (const Stage stage : stages) {
        if (folders.exists(stage, task_id)) return stage;
    }
    return std::nullopt;
}

Error no_such_task(const std::string& task_id, const char* where) {
    return Error{Errc::not_found, fmt::format("there is no task {} in {}", task_id, where)};
}

/// What a copy of a task gets: all but what is ours; that somebody holds the series counts for the copy as well.
bool goes_along(const std::filesystem::directory_entry& entry) {
    const std::string name = entry.path().filename();
    if (name == TaskFile::file_name || name == SentLog::file_name) return false;
    if (name.front() == '.' && name != markers::held) return false;
    std::error_code gone;
    const auto status = entry.symlink_status(gone);
    return std::filesystem::is_regular_file(status) || std::filesystem::is_directory(status);
}

/// As if it had never been sent to its targets, or only to those that confirmed it.
void reset_dispatch(TaskDispatch& dispatch, bool all) {
    dispatch.retries = 0;
    dispatch.next_retry_at.reset();
    for (const std::string& target : dispatch.targets) {
        DispatchStatus& status = dispatch.status[target];
        if (!all && status.state == DispatchStatus::State::complete) continue;
        const std::string time = status.time;
        status = DispatchStatus{};
        status.time = time;
    }
}

}  // namespace

Result<void> Dispatcher::require_target(const std::string& target) const {
    if (context_.config()->find_target(target)) return {};
    return Error{Errc::not_found, fmt::format("there is no target {}", target)};
}

asio::awaitable<Result<void>> Dispatcher::pause(std::string target) {
    if (auto known = require_target(target); !known) co_return known;
    TargetQueue& queue = queue_of(target);
    end_drain(queue);
    queue.paused = true;
    context_.log.info("target paused", kv("target", target));
    co_return co_await write_paused();
}

asio::awaitable<Result<void>> Dispatcher::resume(std::string target) {
    if (auto known = require_target(target); !known) co_return known;
    TargetQueue& queue = queue_of(target);
    end_drain(queue);
    queue.paused = false;
    context_.log.info("target resumed", kv("target", target));
    start_deliveries();
    co_return co_await write_paused();
}

asio::awaitable<Result<void>> Dispatcher::drain(std::string target) {
    if (auto known = require_target(target); !known) co_return known;
    TargetQueue& queue = queue_of(target);
    queue.paused = false;
    queue.draining = true;
    context_.log.info("target drains, then pauses", kv("target", target), kv("waiting", queue.waiting.size()));
    start_deliveries();
    // After a restart it is paused, not draining: what was waiting then is no longer known.
    co_return co_await write_paused();
}

/// Nothing that waited is left, or a person thought better of it. What came meanwhile waits as usual.
void Dispatcher::end_drain(TargetQueue& queue) {
    if (!queue.draining) return;
    queue.draining = false;
    queue.paused = true;
    const auto config = context_.config();
    while (auto entry = queue.held.pop(true)) {
        const Priority priority = task_priority(entry->task->file.info, *config);
        const WallTime since = entry->task->since;
        queue.waiting.push(std::move(*entry), priority, since);
    }
}

Result<void> Dispatcher::retry_now(const std::string& target) {
    if (auto known = require_target(target); !known) return known;
    queue_of(target).breaker.look_again(context_.clock.now());
    start_probes();
    if (queue_of(target).breaker.state() == CircuitBreaker::State::open) return {};  // the probe decides
    for (const auto& [id, task] : tasks_) {
        const auto share = task->shares.find(target);
        if (share == task->shares.end() || share->second.state != Share::State::retrying) continue;
        share->second.ahead_of_time = true;
        place(task, share->second);
    }
    start_deliveries();
    return {};
}

asio::awaitable<Result<void>> Dispatcher::suspend_all() {
    return set_halted(true);
}

asio::awaitable<Result<void>> Dispatcher::resume_all() {
    return set_halted(false);
}

asio::awaitable<Result<void>> Dispatcher::set_halted(bool halted) {
    auto write = [&] { return context_.folders.set_halted(Stage::outgoing, halted); };
    const Result<void> written = co_await run_blocking(context_.files, write);
    if (!written) co_return written;
    if (halted != halted_) context_.log.info(halted ? "delivery suspended" : "delivery goes on");
    halted_ = halted;
    start_deliveries();
    co_return Result<void>();
}

Result<Dispatcher::TaskPtr> Dispatcher::delivering_task(const std::string& task_id) const {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end()) return no_such_task(task_id, "delivery");
    if (found->second->state == Task::State::delivering) return found->second;
    return Error{Errc::busy, fmt::format("task {} is just being {}; try again", task_id,
                                         found->second->state == Task::State::loading ? "read" : "moved")};
}

asio::awaitable<Result<void>> Dispatcher::cancel(std::string task_id) {
    const auto found = delivering_task(task_id);
    if (!found) co_return found.error();
    TaskPtr task = *found;
    task->cancelled = true;
    const auto is_meant = [&task](const TargetQueue::Entry& entry) { return entry.task == task; };
    for (auto& [name, queue] : queues_) {
        queue->waiting.remove_if(is_meant);
        queue->held.remove_if(is_meant);
    }
    for (auto& [name, share] : task->shares) {
        if (share.stop) *share.stop = true;
        if (share.state == Share::State::waiting || share.state == Share::State::retrying) {
            share.state = Share::State::failed;
        }
    }
    co_await leave_if_ended(task);
    co_return Result<void>();
}

asio::awaitable<Result<void>> Dispatcher::resend(std::string task_id, Resend what) {
    if (!TaskFolders::is_id(task_id)) co_return no_such_task(task_id, "success or error");
    if (tasks_.contains(task_id)) {
        const auto task = delivering_task(task_id);
        if (!task) co_return task.error();
        for (auto& [name, share] : (*task)->shares) {
            if (share.state != Share::State::retrying) continue;
            share.ahead_of_time = true;
            place(*task, share);
        }
        start_deliveries();
        co_return Result<void>();
    }
    auto move = [&] { return bring_back(task_id, what); };
    const Result<std::string> moved = co_await run_blocking(context_.files, move);
    if (!moved) co_return moved.error();
    context_.books.task_event(task_id, dispatch_sender, TaskEventType::move, 0,
                              context_.folders.path(Stage::outgoing, *moved).string(), "Moved back to be sent again");
    context_.log.info("sent again", kv("task", task_id), kv("what", what == Resend::all ? "all" : "missing"));
    add(*moved);
    co_return Result<void>();
}

/// On the files pool. The name of the folder in outgoing/.
Result<std::string> Dispatcher::bring_back(const std::string& task_id, Resend what) const {
    const auto stage = find_stage(context_.folders, task_id, {Stage::success, Stage::error});
    if (!stage) return no_such_task(task_id, "success or error");
    const std::filesystem::path folder = context_.folders.path(*stage, task_id);
    auto file = read_task_file(folder);
    if (!file) return file.error();
    if (!file->dispatch || file->dispatch->targets.empty()) {
        return Error{Errc::invalid, fmt::format("task {} has no targets; send it to some instead", task_id)};
    }
    if (file->info.fail_stage && *file->info.fail_stage != FailStage::dispatching) {
        return Error{Errc::invalid, fmt::format("task {} failed before delivery ({}); restart that instead", task_id,
                                                to_string(*file->info.fail_stage))};
    }
    const bool all_complete = std::ranges::all_of(file->dispatch->targets, [&file](const std::string& target) {
        return file->dispatch->status[target].state == DispatchStatus::State::complete;
    });
    if (what == Resend::missing && all_complete) {
        return Error{Errc::invalid,
                     fmt::format("task {} was delivered to all its targets; resend it instead", task_id)};
    }
    reset_dispatch(*file->dispatch, what == Resend::all);
    file->info.fail_stage.reset();
    file->info.fail_reason.reset();
    // In this order a crash leaves it where it was, to be sent again with less than was asked for at worst.
    FileOps& ops = context_.folders.ops();
    if (auto written = write_task_file(ops, folder, *file); !written) return written.error();
    if (what == Resend::all) {
        if (auto removed = ops.unlink(folder / SentLog::file_name); !removed) return removed.error();
    }
    const auto moved = context_.folders.move(folder, Stage::outgoing);
    if (!moved) return moved.error();
    return moved->filename().string();
}

asio::awaitable<Result<std::string>> Dispatcher::send_to(std::string task_id, std::vector<std::string> targets) {
    if (!TaskFolders::is_id(task_id)) co_return no_such_task(task_id, "outgoing, success or error");
    if (targets.empty()) co_return Error{Errc::invalid, "name at least one target"};
    for (const std::string& target : targets) {
        if (auto known = require_target(target); !known) co_return known.error();
    }
    auto copy = [&] { return make_copy(task_id, targets); };
    const Result<TaskFile> made = co_await run_blocking(context_.files, copy);
    if (!made) co_return made.error();
    co_return take_copy(task_id, *made);
}

/// Of a task that was sent to other targets: its id.
std::string Dispatcher::take_copy(const std::string& task_id, const TaskFile& copy) {
    context_.books.record(journal::TaskUpdated{context_.clock.wall_now(), copy.id, to_json_text(copy)});
    context_.books.task_event(task_id, dispatch_sender, TaskEventType::copy, 0,
                              context_.folders.path(Stage::outgoing, copy.id).string(), "Sent to other targets");
    context_.log.info("sent to other targets", kv("task", task_id), kv("as", copy.id),
                      kv("targets", fmt::format("{}", fmt::join(copy.dispatch->targets, ", "))));
    add(copy.id);
    return copy.id;
}

/// On the files pool. The new task.
Result<TaskFile> Dispatcher::make_copy(const std::string& task_id, const std::vector<std::string>& targets) const {
    const auto stage = find_stage(context_.folders, task_id, {Stage::outgoing, Stage::success, Stage::error});
    if (!stage) return no_such_task(task_id, "outgoing, success or error");
    const std::filesystem::path folder = context_.folders.path(*stage, task_id);
    auto file = read_task_file(folder);
    if (!file) return file.error();
    const bool before_delivery = file->info.fail_stage && *file->info.fail_stage != FailStage::dispatching;
    if (before_delivery && !file->process.empty()) {
        return Error{Errc::invalid, fmt::format("task {} failed before it had results to send; process it again, or "
                                                "route its series by another rule",
                                                task_id)};
    }
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        if (goes_along(*entry)) files.push_back(entry->path());
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", folder.string(), error.message())};
    if (files.empty()) return Error{Errc::invalid, fmt::format("task {} has no files to send", task_id)};

    file->id = make_task_id();
    file->info.action = "route";
    file->info.fail_stage.reset();
    file->info.fail_reason.reset();
    if (holds_results(*file)) mark_as_results(*file);
    file->process.clear();
    file->process_is_list = false;
    file->dispatch = make_task_dispatch(targets, context_.clock.wall_now());
    const auto made = context_.folders.make_task(Stage::outgoing, file->id, files, to_json_text(*file));
    if (!made) return made.error();
    return file;
}

Result<void> Dispatcher::put_first(const std::string& task_id) {
    const auto task = delivering_task(task_id);
    if (!task) return task.error();
    for (auto& [name, share] : (*task)->shares) {
        if (share.state == Share::State::retrying) {
            share.ahead_of_time = true;
            place(*task, share);
        }
    }
    const auto is_meant = [&task](const TargetQueue::Entry& entry) { return entry.task == *task; };
    for (auto& [name, queue] : queues_) {
        queue->waiting.put_first(is_meant);
        queue->held.put_first(is_meant);
    }
    start_deliveries();
    return {};
}

asio::awaitable<Result<std::vector<TestStep>>> Dispatcher::test(std::string name, std::shared_ptr<const StopFlag> stop,
                                                                TargetTest::Observer on_step) {
    const auto target = target_for(name);
    if (!target) co_return target.error();
    const auto io = context_.io;
    const auto tell = [io, on_step](const TestStep& step) {
        if (on_step) asio::post(io, [on_step, step] { on_step(step); });
    };
    TargetTest run(TargetTest::Depth::full, *stop, tell);
    auto work = [&] { (*target)->test(run); };
    co_await run_blocking(sends_, work);
    co_return run.steps();
}

asio::awaitable<void> Dispatcher::read_paused() {
    auto read = [this] { return read_text_file(context_.folders.path(Stage::outgoing) / paused_file); };
    const Result<std::string> text = co_await run_blocking(context_.files, read);
    if (!text) {
        if (text.error().code != Errc::not_found) context_.log.warn(text.error().message);
        co_return;
    }
    const auto names = nlohmann::json::parse(*text, nullptr, false);
    if (!names.is_array()) co_return;
    for (const auto& name : names) {
        if (!name.is_string()) continue;
        // Paused under the name that it had then.
        const auto config = context_.config();
        const TargetConfig* target = config->find_target(name.get<std::string>());
        queue_of(target ? target->name : name.get<std::string>()).paused = true;
        context_.log.info("target is paused", kv("target", name.get<std::string>()));
    }
}

asio::awaitable<Result<void>> Dispatcher::write_paused() {
    nlohmann::json names = nlohmann::json::array();
    for (const auto& [name, queue] : queues_) {
        if (queue->paused || queue->draining) names.push_back(name);
    }
    auto write = [&]() -> Result<void> {
        const auto file = context_.folders.path(Stage::outgoing) / paused_file;
        if (names.empty()) return context_.folders.ops().unlink(file);
        return write_durably(context_.folders.ops(), file, names.dump());
    };
    co_return co_await run_blocking(context_.files, write);
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
        target.waiting = queue->waiting.size() + queue->held.size();
        target.offpeak = queue->waiting.offpeak_size();
        target.in_flight = queue->in_flight;
        target.paused = queue->paused;
        target.draining = queue->draining;
        target.down = queue->breaker.state() != CircuitBreaker::State::closed;
        target.probing = queue->probing;
        const auto take = [&](const TargetQueue::Entry& entry) { take_oldest(target.oldest, *entry.task); };
        queue->waiting.for_each(take);
        queue->held.for_each(take);
        status.in_flight += queue->in_flight;
        status.targets[name] = std::move(target);
    }
    for (const auto& [id, task] : tasks_) {
        for (const auto& [name, share] : task->shares) {
            if (share.state != Share::State::retrying) continue;
            TargetState& target = status.targets[name];
            ++target.retrying;
            take_oldest(target.oldest, *task);
            if (target.last_error.empty()) target.last_error = task->file.dispatch->status.at(name).reason;
        }
        if (task->state != Task::State::leaving) take_oldest(status.oldest, *task);
        if (!task->is_sending()) ++status.waiting;
    }
    return status;
}

}  // namespace quicksilver
