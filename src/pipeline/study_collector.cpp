#include "quicksilver/pipeline/study_collector.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;

namespace {

constexpr const char* sender = "router.main";
constexpr auto look_interval = std::chrono::seconds(1);  // other programs may make `.force-complete`
constexpr auto idle_interval = std::chrono::minutes(1);

/// Where the action of a study's rule sends it.
Stage next_stage(const TaskFile& task) {
    const std::string& action = task.info.action;
    if (action == "notification") return Stage::success;
    if (action == "process" || action == "both") return Stage::processing;
    return task.dispatch && !task.dispatch->targets.empty() ? Stage::outgoing : Stage::error;
}

journal::SeriesStage series_stage(Stage stage) {
    switch (stage) {
        case Stage::outgoing:
            return journal::SeriesStage::dispatching;
        case Stage::processing:
            return journal::SeriesStage::processing;
        case Stage::discard:
            return journal::SeriesStage::discarded;
        case Stage::error:
            return journal::SeriesStage::failed;
        default:
            return journal::SeriesStage::done;
    }
}

/// Changes when a series joins or somebody extends the waiting.
std::string version_of(const TaskFile& task) {
    const TaskStudy& study = *task.study;
    return fmt::format("{} {} {} {} {}", task.id, study.received_series_uid.size(), study.last_receive_time,
                       study.last_receive_utc, study.extended_utc);
}

/// The steady time of a wall time that lies in the past; one in the future counts as now.
SteadyTime steady_time_of(const std::optional<WallTime>& wall, const Clock& clock) {
    if (!wall) return clock.now();
    const auto age = std::max(clock.wall_now() - *wall, WallTime::duration::zero());
    return clock.now() - std::chrono::duration_cast<SteadyTime::duration>(age);
}

}  // namespace

StudyCollector::StudyCollector(StageContext context, StudyFolders& studies, IsArriving is_arriving,
                               TaskHint to_next_stage)
    : context_(std::move(context)),
      studies_(studies),
      is_arriving_(std::move(is_arriving)),
      to_next_stage_(std::move(to_next_stage)),
      wakeup_(context_.io, asio::steady_timer::time_point::max()) {}

asio::awaitable<void> StudyCollector::run() {
    for (;;) {
        woken_ = false;
        co_await look_around();
        co_await wait_for_next_look();
    }
}

asio::awaitable<void> StudyCollector::wait_for_next_look() {
    using namespace asio::experimental::awaitable_operators;
    const bool idle = seen_.empty() && unreadable_.empty();
    const SteadyTime next = context_.clock.now() + (idle ? SteadyTime::duration(idle_interval) : look_interval);
    co_await (context_.clock.wait_until(next) || woken());
}

asio::awaitable<void> StudyCollector::woken() {
    if (woken_) co_return;  // before anybody waited: the operator above begins its two waits one after the other
    boost::system::error_code cancelled;  // the timer never expires: waking up is always a "cancel"
    co_await wakeup_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

void StudyCollector::wake() {
    woken_ = true;
    wakeup_.cancel();
}

void StudyCollector::joined(const std::string& key) {
    joined_[key] = context_.clock.now();
    wake();
}

asio::awaitable<void> StudyCollector::look_around() {
    auto list = [this] { return studies_.list(); };
    const auto found = co_await run_blocking(context_.files, list);
    if (!found) {
        context_.log.error("cannot look through the studies", kv("reason", found.error().message));
        co_return;
    }
    std::set<std::string> keys;
    for (const CollectedStudy& study : *found) keys.insert(study.key);
    std::erase_if(seen_, [&](const auto& entry) { return !keys.contains(entry.first); });
    std::erase_if(unreadable_, [&](const auto& entry) { return !keys.contains(entry.first); });
    for (const CollectedStudy& study : *found) {
        if (study.task) {
            unreadable_.erase(study.key);
            co_await judge(study);
        } else {
            seen_.erase(study.key);
            report(study.key, unreadable_[study.key], "Invalid task file: " + study.task.error().message);
        }
    }
}

StudyCollector::Seen& StudyCollector::update(const CollectedStudy& study) {
    const TaskFile& task = *study.task;
    const auto [entry, is_new] = seen_.try_emplace(study.key);
    Seen& seen = entry->second;
    const bool is_other_task = is_new || seen.view.task.id != task.id;
    std::string version = version_of(task);
    if (version != seen.version) {
        const StudyTimes times = study_times(*task.study);
        const bool extended = !is_other_task && seen.view.task.study->extended_utc != task.study->extended_utc;
        if (is_other_task || extended) seen.created = steady_time_of(times.created, context_.clock);
        const auto told = joined_.find(study.key);
        seen.quiet_since =
            told != joined_.end() && !extended ? told->second : steady_time_of(times.last_received, context_.clock);
        seen.version = std::move(version);
    }
    joined_.erase(study.key);
    if (is_other_task && completed_.contains(study.key)) {
        context_.books.task_event(task.id, sender, TaskEventType::assign, 0, study.key,
                                  "Late series: the study was complete before, and is collected again");
        context_.log.warn("a series came after its study was complete; the study is collected again",
                          kv("study", study.key), kv("task", task.id));
    }
    seen.view.key = study.key;
    seen.view.task = task;
    return seen;
}

asio::awaitable<void> StudyCollector::judge(const CollectedStudy& study) {
    const auto config = context_.config();
    Seen& seen = update(study);
    const SteadyTime now = context_.clock.now();
    StudyFacts facts;
    facts.age = std::chrono::duration_cast<Seconds>(now - seen.created);
    facts.quiet = std::chrono::duration_cast<Seconds>(now - seen.quiet_since);
    facts.series_arriving = is_arriving_(study.task->study->study_uid);
    facts.force_requested = study.force_complete;
    facts.complete_trigger = config->study_complete_trigger;
    facts.force_trigger = config->study_forcecomplete_trigger;
    seen.view.verdict = judge_study(*study.task->study, facts);
    const StudyVerdict verdict = seen.view.verdict;
    if (!verdict.problem.empty()) report(study.key, seen.reported, verdict.problem);
    if (verdict.step == StudyStep::wait) co_return;

    const Stage to = verdict.step == StudyStep::discard ? Stage::discard : next_stage(*study.task);
    std::string reason = verdict.reason;
    if (to == Stage::error) reason = "The study's rule has no target to route to";
    const auto taken = co_await take(*study.task, study.key, to, std::move(reason));
    if (taken || taken.error().code == Errc::busy || taken.error().code == Errc::not_found) co_return;
    // It stays where it is, whole, and the next look tries again.
    const auto still = seen_.find(study.key);
    if (still != seen_.end()) {
        report(study.key, still->second.reported,
               fmt::format("Problems while processing study {}: {}", study.key, taken.error().message));
    }
}

asio::awaitable<Result<void>> StudyCollector::take(const TaskFile& task, const std::string& key, Stage to,
                                                   std::string reason) {
    auto move = [&] { return studies_.take(key, task, to, to == Stage::error ? reason : ""); };
    const auto folder = co_await run_blocking(context_.files, move);
    if (!folder) co_return folder.error();
    seen_.erase(key);
    remember_completed(key);
    record_taken(task, to, *folder, reason);
    to_next_stage_(to, folder->filename());
    co_return Result<void>();
}

void StudyCollector::record_taken(const TaskFile& task, Stage to, const std::filesystem::path& folder,
                                  const std::string& reason) {
    Bookkeeper& books = context_.books;
    const WallTime now = context_.clock.wall_now();
    ++(to == Stage::discard ? totals_.discarded_total : totals_.completed_total);
    if (to == Stage::discard) {
        books.task_event(task.id, sender, TaskEventType::discard, 0, task.info.applied_rule, reason);
    } else if (to == Stage::error) {
        books.task_event(task.id, sender, TaskEventType::error, 0, task.info.applied_rule, reason);
    }
    books.record(journal::TaskUpdated{now, task.id, to_json_text(task)});
    books.task_event(task.id, sender, TaskEventType::move, 0, folder.string(), reason);
    for (const std::string& series : task.study->received_series_uid) {
        journal::SeriesState state;
        state.time = now;
        state.series_uid = series;
        state.state = series_stage(to);
        state.outcome = reason;
        state.rules = task.info.applied_rule;
        books.record(std::move(state));
    }
    context_.log.info("study moved on", kv("study", task.study->study_uid), kv("rule", task.info.applied_rule),
                      kv("task", task.id), kv("series", task.study->received_series_uid.size()),
                      kv("to", to_string(to)), kv("reason", reason));
}

/// Once for each problem, however often it is met.
void StudyCollector::report(const std::string& key, std::string& reported, const std::string& problem) {
    if (reported == problem) return;
    reported = problem;
    context_.log.error("a study needs attention; it stays where it is", kv("study", key), kv("reason", problem));
    context_.books.server_event(sender, MercureEventType::processing, Severity::error,
                                fmt::format("Study {}: {}", key, problem));
}

void StudyCollector::remember_completed(const std::string& key) {
    if (!completed_.insert(key).second) return;
    completed_order_.push_back(key);
    if (completed_order_.size() > remembered_max) {
        completed_.erase(completed_order_.front());
        completed_order_.pop_front();
    }
}

asio::awaitable<Result<void>> StudyCollector::complete(std::string key) {
    auto mark = [&] { return studies_.force_complete(key); };
    const auto marked = co_await run_blocking(context_.files, mark);
    if (marked) wake();
    co_return marked;
}

asio::awaitable<Result<void>> StudyCollector::extend(std::string key) {
    auto mark = [&] { return studies_.extend(key); };
    const auto marked = co_await run_blocking(context_.files, mark);
    if (marked) wake();
    co_return marked;
}

asio::awaitable<Result<void>> StudyCollector::discard(std::string key) {
    auto list = [this] { return studies_.list(); };
    const auto found = co_await run_blocking(context_.files, list);
    if (!found) co_return found.error();
    const auto study = std::find_if(found->begin(), found->end(), [&](const auto& each) { return each.key == key; });
    if (study == found->end()) co_return Error{Errc::not_found, fmt::format("no study {} is being collected", key)};
    if (!study->task) co_return study->task.error();
    co_return co_await take(*study->task, key, Stage::discard, "Discarded by request");
}

StudyCollector::Status StudyCollector::status() const {
    Status status = totals_;
    status.collecting = seen_.size();
    status.unreadable = unreadable_.size();
    for (const auto& [key, seen] : seen_) {
        const auto age = std::chrono::duration_cast<Seconds>(context_.clock.now() - seen.created);
        status.oldest = std::max(status.oldest.value_or(age), age);
    }
    return status;
}

std::vector<StudyCollector::View> StudyCollector::views() const {
    std::vector<View> views;
    for (const auto& [key, seen] : seen_) views.push_back(seen.view);
    return views;
}

}  // namespace quicksilver
