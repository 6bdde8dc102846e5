// What people ask of processing. The queue is in processor.cpp.
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/processor.hpp"
#include "quicksilver/pipeline/routing.hpp"
#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "processor_parts.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

bool has_instances(const fs::path& folder) {
    const auto instances = TaskFolders::instances(folder);
    return instances && !instances->empty();
}

/// The task as its rule would make it now.
Result<void> plan_anew(TaskFile& task, const Config& config, WallTime now) {
    if (task.info.applied_rule.empty()) {
        return Error{Errc::invalid, fmt::format("task {} is not of one rule alone, so there is nothing to process; "
                                                "route its series again from the start",
                                                task.id)};
    }
    const RuleConfig* rule = config.find_rule(task.info.applied_rule);
    if (rule == nullptr) {
        return Error{Errc::invalid, fmt::format("task {} is of the rule '{}', which does not exist any more; make a "
                                                "rule of that name, or send the images again",
                                                task.id, task.info.applied_rule)};
    }
    const bool processes = rule->action == RuleAction::process || rule->action == RuleAction::both;
    if (!processes || rule->modules.empty()) {
        return Error{Errc::invalid, fmt::format("the rule '{}' does not process any more", rule->name)};
    }
    task.process = make_process(*rule, config);
    task.process_is_list = task.process.size() > 1;
    task.dispatch.reset();
    if (rule->action == RuleAction::both && !rule->targets.empty()) {
        task.dispatch = make_task_dispatch(rule->targets, now);
        if (task.info.uid_type == "series") task.dispatch->series_uid = task.info.uid;
    }
    task.info.fail_stage.reset();
    task.info.fail_reason.reset();
    return {};
}

}  // namespace

bool Processor::may_run(const std::string& task_id, std::size_t step) const {
    const auto found = tasks_.find(task_id);
    if (found == tasks_.end()) return false;
    const Task& task = *found->second;
    if (task.state == Task::State::loading) return true;
    if (task.state == Task::State::leaving || task.state == Task::State::stuck) return false;
    return step < task.file.process.size() && (!task.progress || task.progress->step <= step);
}

boost::asio::awaitable<Result<void>> Processor::restart(std::string task_id, Again what) {
    if (!TaskFolders::is_id(task_id)) co_return Error{Errc::not_found, "that is no name of a task"};
    if (tasks_.contains(task_id)) {
        co_return Error{Errc::busy, fmt::format("task {} is being processed; cancel it first", task_id)};
    }
    auto move = [&] { return bring_back(task_id, what); };
    const Result<std::string> moved = co_await run_blocking(context_.files, move);
    if (!moved) co_return moved.error();
    context_.books.task_event(task_id, processor_sender, TaskEventType::move, 0,
                              context_.folders.path(Stage::processing, *moved).string(),
                              "Moved back to be processed again");
    context_.log.info("processed again", kv("task", task_id));
    add(*moved);
    co_return Result<void>();
}

/// On the files pool. The name of the folder in processing/.
Result<std::string> Processor::bring_back(const std::string& task_id, Again what) const {
    const TaskFolders& folders = context_.folders;
    if (folders.exists(Stage::outgoing, task_id)) {
        return Error{Errc::busy, fmt::format("task {} is being delivered; cancel it first", task_id)};
    }
    const bool has_succeeded = what == Again::ended && folders.exists(Stage::success, task_id);
    if (!has_succeeded && !folders.exists(Stage::error, task_id)) {
        return Error{Errc::not_found,
                     fmt::format("no task {} in {}", task_id, what == Again::ended ? "success or error" : "error")};
    }
    const fs::path folder = folders.path(has_succeeded ? Stage::success : Stage::error, task_id);
    auto file = read_task_file(folder);
    if (!file) return Error{Errc::invalid, file.error().message};
    if (what == Again::failed && file->info.fail_stage != FailStage::processing) {
        return Error{Errc::invalid, fmt::format("task {} did not fail in processing; send it again instead", task_id)};
    }
    const fs::path received = received_in(folders, folder);
    if (received.empty()) {
        return Error{Errc::invalid, fmt::format("task {} has only the results of its modules; the images as they were "
                                                "received are kept no longer than until it is processed",
                                                task_id)};
    }
    if (!has_instances(received) && !has_instances(folder)) {
        return Error{Errc::invalid, fmt::format("task {} has no images as they were received", task_id)};
    }
    if (auto planned = plan_anew(*file, *context_.config(), context_.clock.wall_now()); !planned) {
        return planned.error();
    }
    // What an earlier attempt left goes when processing begins; without its state nobody goes on with it.
    FileOps& ops = folders.ops();
    if (auto removed = ops.unlink(folder / ProcessingFolder::state_file); !removed) return removed.error();
    if (auto written = write_task_file(ops, folder, *file); !written) return written.error();
    const auto moved = folders.move(folder, Stage::processing, task_id);
    if (!moved) return moved.error();
    return moved->filename().string();
}

}  // namespace quicksilver
