// What becomes of a task whose modules have run, or one of whose modules has failed. The way there is in
// processor_task.cpp.
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/deidentified_task.hpp"
#include "quicksilver/pipeline/dynamic_routing.hpp"
#include "quicksilver/pipeline/series_folders.hpp"

#include "processor_parts.hpp"

#include <fmt/format.h>

#include <utility>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr const char* sender = processor_sender;

/// Makes what the last module left whole, as whoever gets it may see it.
Result<void> finish_outputs(const ProcessingFolder& folder, const TaskFile& task, const ProcessingState& state,
                            bool retain, std::optional<std::size_t> deidentified_by) {
    if (!deidentified_by) return folder.finish_outputs(task, state, retain);
    ProcessingState shown = state;
    for (std::size_t at = 0; at <= *deidentified_by && at < shown.outputs.size(); ++at) shown.outputs[at][1] = nullptr;
    return folder.finish_outputs(deidentified(task, *deidentified_by, folder.out()), shown, retain);
}

}  // namespace

asio::awaitable<void> Processor::finish(TaskPtr task) {
    task->state = Task::State::leaving;
    auto check = [&task] { return task->folder.check_outputs(task->are_outputs_checked); };
    const auto outputs = co_await run_blocking(context_.files, check);
    if (!outputs) {
        co_await fail(task, outputs.error().message);
        co_return;
    }
    const auto config = context_.config();
    const RuleConfig* rule = config->find_rule(task->file.info.applied_rule);
    const DynamicRouting routing = decide_dynamic_routing(rule, task->file.process.back().output, *config);
    for (const std::string& note : routing.notes) {
        context_.log.warn(note, kv("task", task->id));
        context_.books.task_event(task->id, sender, TaskEventType::unknown, 0, "", note);
    }
    if (routing.discard) task->file.dispatch.reset();
    if (routing.targets) task->file.dispatch = make_task_dispatch(*routing.targets, context_.clock.wall_now());
    const bool retain = task->file.process.front().retain_input_images;
    if (task->file.dispatch && outputs->files == 0 && !retain) {
        co_await fail(task, fmt::format("module {} ended well but wrote nothing that could be delivered",
                                        task->file.process.back().module_name));
        co_return;
    }
    task->progress->publish_to = task->file.dispatch ? Stage::outgoing : Stage::success;
    const auto deidentified_by = deidentifying_step(task->file, *config, task->file.process.size());
    auto work = [&] { return finish_outputs(task->folder, task->file, *task->progress, retain, deidentified_by); };
    const Result<void> finished = co_await run_blocking(context_.files, work);
    if (!finished) {
        co_await fail(task, finished.error().message);
        co_return;
    }
    context_.books.task_event(task->id, sender, TaskEventType::process_complete, outputs->instances, "",
                              "Processing job complete");
    co_await publish(task);
}

asio::awaitable<void> Processor::publish(TaskPtr task) {
    task->state = Task::State::leaving;
    const TaskInfo received = task->file.info;
    auto work = [&task] {
        auto published = task->folder.publish(*task->progress);
        // After a crash this is the only place that has the whole of it.
        if (published && !published->folder.empty()) {
            if (auto file = read_task_file(published->folder)) task->file = std::move(*file);
        }
        return published;
    };
    const auto published = co_await run_blocking(context_.files, work);
    if (!published) {
        // The results are whole and stay; every look around tries again.
        task->progress->phase = ProcessingState::Phase::publishing;
        stuck(task, "its results cannot be moved on: " + published.error().message);
        co_return;
    }
    tasks_.erase(task->id);
    ++completed_total_;
    if (!published->folder.empty()) report_published(*task, received, published->folder);
    // Nobody waits for this.
    auto remove = [&] { return context_.folders.remove(published->remains); };
    const Result<void> removed = co_await run_blocking(context_.files, remove);
    if (!removed) {
        context_.log.warn("the remains of a processed task stay until the next start", kv("task", task->id),
                          kv("reason", removed.error().message));
    }
}

void Processor::report_published(const Task& task, const TaskInfo& received, const std::filesystem::path& published) {
    const Stage to = task.progress->publish_to;
    context_.log.info("task processed", kv("task", task.id), kv("series", task.file.info.uid), kv("to", to_string(to)),
                      kv("seconds", Seconds(context_.clock.now() - task.run_since).count()));
    context_.books.record(journal::TaskUpdated{context_.clock.wall_now(), task.id, to_json_text(task.file)});
    context_.books.task_event(task.id, sender, TaskEventType::move, 0, published.string(),
                              fmt::format("Moved to {} folder", to_string(to)));
    journal::SeriesState state;
    state.time = context_.clock.wall_now();
    state.state = journal::SeriesStage::dispatching;
    if (to == Stage::success) {
        context_.books.task_event(task.id, sender, TaskEventType::complete, 0, "", "Task complete");
        state.state = journal::SeriesStage::done;
    }
    for (const std::string& series : series_of(task.file)) {
        state.series_uid = series;
        context_.books.record(state);
    }
    if (received.uid_type == "series" && !received.uid.empty() && received.uid != task.file.info.uid) {
        // What is delivered is another series now; nobody will hear of this one any more.
        state.series_uid = received.uid;
        state.state = journal::SeriesStage::done;
        state.outcome = fmt::format("de-identified; goes on as task {}", task.id);
        context_.books.record(std::move(state));
    }
    to_next_stage_(to, published.filename().string());
}

asio::awaitable<void> Processor::fail(TaskPtr task, std::string reason) {
    task->state = Task::State::leaving;
    task->failure = reason;
    auto work = [&] {
        auto current = read_task_file(task->folder.path());
        if (current) (void)write_task_file(context_.folders.ops(), task->folder.path(), task->file);
        return task->folder.fail(reason);
    };
    const auto parked = co_await run_blocking(context_.files, work);
    if (!parked) {
        stuck(task, "it has failed and cannot be moved to error: " + parked.error().message);
        co_return;
    }
    tasks_.erase(task->id);
    ++failed_total_;
    task->file.info.fail_stage = FailStage::processing;
    task->file.info.fail_reason = reason;
    context_.log.error("processing failed", kv("task", task->id), kv("module", task->needs.module),
                       kv("reason", reason));
    context_.books.task_event(task->id, sender, TaskEventType::error, 0, task->needs.module,
                              "Processing failed: " + reason);
    context_.books.task_event(task->id, sender, TaskEventType::move, 0, parked->string(), "Moved to error folder");
    context_.books.record(journal::TaskUpdated{context_.clock.wall_now(), task->id, to_json_text(task->file)});
    journal::SeriesState state;
    state.time = context_.clock.wall_now();
    state.state = journal::SeriesStage::failed;
    state.outcome = std::move(reason);
    for (const std::string& series : series_of(task->file)) {
        state.series_uid = series;
        context_.books.record(state);
    }
}

}  // namespace quicksilver
