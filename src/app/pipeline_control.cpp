#include "pipeline_control.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/cleaner.hpp"
#include "quicksilver/pipeline/delivery_control.hpp"
#include "quicksilver/pipeline/processor.hpp"
#include "quicksilver/pipeline/receiver.hpp"
#include "quicksilver/pipeline/router.hpp"
#include "quicksilver/pipeline/series_holds.hpp"
#include "quicksilver/pipeline/study_collector.hpp"
#include "quicksilver/pipeline/targets/target.hpp"
#include "quicksilver/rules/completion.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr const char* sender = "interface.main";

TargetTestStep shown(const TestStep& step) {
    return TargetTestStep{step.name, step.ok, step.took, step.detail, step.hint};
}

Control::Steps shown(const std::vector<TestStep>& steps) {
    Control::Steps all;
    for (const TestStep& step : steps) all.push_back(shown(step));
    return all;
}

KnownSeries known(SeriesChoice series) {
    return KnownSeries{std::move(series.series_uid), std::move(series.study_uid), std::move(series.tasks)};
}

/// What its task.json says of a study, with the check list of its required series and its times.
void add_study(const TaskStudy& study, const Config& config, CollectedStudyView& view) {
    const StudyTimes times = study_times(study);
    view.study_uid = study.study_uid;
    if (times.created) view.created_at = rfc3339(*times.created);
    if (times.last_received) view.last_received_at = rfc3339(*times.last_received);
    view.required_series = study.complete_required_series;
    view.received_series = study.received_series;
    view.series_uids = study.received_series_uid;
    const auto completion = rules::evaluate_completion(study.complete_required_series, study.received_series);
    for (const std::string& text : completion.wanted) {
        const bool missing = std::ranges::find(completion.missing, text) != completion.missing.end();
        view.required.push_back({text, !missing});
    }
    const auto later = [](WallTime time, Seconds by) {
        return time + std::chrono::duration_cast<WallTime::duration>(by);
    };
    view.deadline_action = study.complete_force_action;
    const bool by_time = study.complete_trigger == "timeout" || study.complete_required_series.empty();
    if (by_time && times.last_received) view.complete_at = later(*times.last_received, config.study_complete_trigger);
    const bool ends = view.deadline_action == "discard" || view.deadline_action == "proceed";
    if (ends && times.created) view.deadline = later(*times.created, config.study_forcecomplete_trigger);
}

Error no_such_task(const std::string& task_id) {
    return Error{Errc::not_found, fmt::format("there is no task {} (any more)", task_id)};
}

}  // namespace

PipelineControl::PipelineControl(Parts parts) : parts_(std::move(parts)) {}

std::vector<CollectedStudyView> PipelineControl::studies() const {
    std::vector<CollectedStudyView> views;
    for (const StudyCollector::View& study : parts_.studies.views()) {
        CollectedStudyView view;
        view.id = study.key;
        view.rule = study.task.info.applied_rule;
        view.state = study.verdict.reason;
        view.missing_series = study.verdict.missing;
        view.task = nlohmann::json::parse(to_json_text(study.task), nullptr, false);
        if (study.task.study) add_study(*study.task.study, *parts_.context.config(), view);
        views.push_back(std::move(view));
    }
    return views;
}

asio::awaitable<Result<void>> PipelineControl::complete_study(std::string id) {
    return parts_.studies.complete(std::move(id));
}

asio::awaitable<Result<void>> PipelineControl::discard_study(std::string id) {
    return parts_.studies.discard(std::move(id));
}

asio::awaitable<Result<void>> PipelineControl::extend_study(std::string id) {
    return parts_.studies.extend(std::move(id));
}

asio::awaitable<Result<void>> PipelineControl::act_on_target(TargetAction action, std::string target) {
    switch (action) {
        case TargetAction::pause:
            co_return co_await parts_.delivery.pause(std::move(target));
        case TargetAction::resume:
            co_return co_await parts_.delivery.resume(std::move(target));
        case TargetAction::drain:
            co_return co_await parts_.delivery.drain(std::move(target));
        case TargetAction::retry_now:
            co_return parts_.delivery.retry_now(target);
    }
    co_return Error{Errc::invalid, "there is no such action"};
}

asio::awaitable<Result<Control::Steps>> PipelineControl::test_target(std::string target, Stop stop,
                                                                     StepObserver on_step) {
    TargetTest::Observer tell = [on_step](const TestStep& step) { on_step(shown(step)); };
    const Result<std::vector<TestStep>> steps =
        co_await parts_.delivery.test(std::move(target), std::move(stop), std::move(tell));
    if (!steps) co_return steps.error();
    co_return shown(*steps);
}

asio::awaitable<Result<Control::Steps>> PipelineControl::test_unsaved_target(std::string document, std::string target,
                                                                             Stop stop, StepObserver on_step) {
    const auto io = parts_.context.io;
    const auto tell = [io, on_step](const TestStep& step) {
        asio::post(io, [on_step, step] { on_step(shown(step)); });
    };
    TargetTest run(TargetTest::Depth::full, *stop, tell);
    auto work = [&]() -> Result<Steps> {
        const LoadedConfig loaded = load_config_text(document, parts_.sources);
        const TargetConfig* config = loaded.ok() ? loaded.config->find_target(target) : nullptr;
        if (!config) return Error{Errc::invalid, fmt::format("the settings of {} cannot be used", target)};
        const auto made = parts_.targets.make(*config, *loaded.config);
        if (!made) return made.error();
        (*made)->test(run);
        return shown(run.steps());
    };
    co_return co_await run_blocking(parts_.sends, work);
}

asio::awaitable<Result<void>> PipelineControl::act_on_task(TaskAction action, std::string task_id) {
    if (action == TaskAction::put_first) co_return parts_.delivery.put_first(task_id);
    if (action == TaskAction::send_missing) co_return co_await retry(std::move(task_id));
    if (action == TaskAction::process)
        co_return co_await parts_.processor.restart(std::move(task_id), Processor::Again::ended);
    if (action == TaskAction::deliver) {
        co_return co_await parts_.delivery.resend(std::move(task_id), DeliveryControl::Resend::missing);
    }
    if (action == TaskAction::send_all) {
        co_return co_await parts_.delivery.resend(std::move(task_id), DeliveryControl::Resend::all);
    }
    Result<void> cancelled = parts_.processor.cancel(task_id);
    if (cancelled || cancelled.error().code != Errc::not_found) co_return cancelled;
    co_return co_await parts_.delivery.cancel(std::move(task_id));
}

/// From the stage where it failed: delivery says so when that was before it.
asio::awaitable<Result<void>> PipelineControl::retry(std::string task_id) {
    const Result<void> sent = co_await parts_.delivery.resend(task_id, DeliveryControl::Resend::missing);
    if (sent || sent.error().code != Errc::invalid) co_return sent;
    const Result<void> restarted = co_await parts_.processor.restart(std::move(task_id), Processor::Again::failed);
    if (!restarted && restarted.error().code == Errc::not_found) co_return sent;
    co_return restarted;
}

asio::awaitable<Result<std::string>> PipelineControl::send_task(std::string task_id, std::vector<std::string> targets) {
    return parts_.delivery.send_to(std::move(task_id), std::move(targets));
}

asio::awaitable<Result<std::vector<std::string>>> PipelineControl::hold_series(SeriesChoice series, std::string user) {
    return parts_.holds.hold(known(std::move(series)), std::move(user));
}

asio::awaitable<Result<std::vector<std::string>>> PipelineControl::release_series(SeriesChoice series) {
    return parts_.holds.release(known(std::move(series)));
}

std::shared_ptr<const Holds> PipelineControl::holds() const {
    return parts_.holds.all();
}

asio::awaitable<Result<std::string>> PipelineControl::route_series(SeriesChoice series, std::string rule) {
    return parts_.router.route_again(known(std::move(series)), std::move(rule));
}

asio::awaitable<Result<void>> PipelineControl::remove_task(std::string task_id) {
    auto remove = [&] { return remove_ended(task_id); };
    const Result<void> removed = co_await run_blocking(parts_.context.files, remove);
    if (removed) {
        parts_.context.log.info("task removed", kv("task", task_id));
        parts_.context.books.task_event(task_id, sender, TaskEventType::remove, 0, "", "Removed by a person");
    }
    co_return removed;
}

/// On the files pool.
Result<void> PipelineControl::remove_ended(const std::string& task_id) const {
    const TaskFolders& folders = parts_.context.folders;
    if (!TaskFolders::is_id(task_id)) return no_such_task(task_id);
    for (const quicksilver::Stage stage :
         {quicksilver::Stage::success, quicksilver::Stage::error, quicksilver::Stage::discard}) {
        if (!folders.exists(stage, task_id)) continue;
        const TaskMarkers markers = TaskFolders::markers_of(folders.path(stage, task_id));
        if (markers.lock || markers.processing) {
            return Error{Errc::busy, fmt::format("task {} is in use; try again", task_id)};
        }
        return folders.remove_unless_held(folders.path(stage, task_id));
    }
    for (const quicksilver::Stage stage : {quicksilver::Stage::outgoing, quicksilver::Stage::processing}) {
        if (!folders.exists(stage, task_id)) continue;
        return Error{Errc::busy, fmt::format("task {} has not ended; cancel it first", task_id)};
    }
    return no_such_task(task_id);
}

asio::awaitable<std::vector<CleaningItem>> PipelineControl::clean(bool remove) {
    auto work = [this, remove] { return clean_blocking(remove); };
    std::vector<CleaningItem> items = co_await run_blocking(parts_.context.files, work);
    for (const CleaningItem& item : items) {
        if (!remove || item.held || !item.problem.empty()) continue;
        parts_.context.books.task_event(item.task, sender, TaskEventType::clean, 0, item.stage,
                                        "Deleted folder, as a person asked");
    }
    co_return items;
}

/// On the files pool.
std::vector<CleaningItem> PipelineControl::clean_blocking(bool remove) const {
    const TaskFolders& folders = parts_.context.folders;
    auto candidates = cleaning_candidates(folders, {quicksilver::Stage::success, quicksilver::Stage::discard});
    CleanerConfig config = parts_.context.config()->cleaner;
    config.offpeak_start = config.offpeak_end = "";  // whatever the hour
    std::vector<CleaningItem> items;
    for (const CleaningCandidate& one : expired(std::move(candidates), config, parts_.context.clock.wall_now(), 0)) {
        CleaningItem item{one.folder.parent_path().filename(), one.folder.filename(), one.modified, 0, "", one.held};
        std::error_code error;
        for (std::filesystem::recursive_directory_iterator file(one.folder, error), end; !error && file != end;
             file.increment(error)) {
            std::error_code gone;
            if (file->is_regular_file(gone)) item.bytes += file->file_size(gone);
        }
        if (remove && !item.held) {
            const auto removed = folders.remove_unless_held(one.folder);
            if (!removed) item.problem = removed.error().message;
        }
        items.push_back(std::move(item));
    }
    return items;
}

}  // namespace quicksilver
