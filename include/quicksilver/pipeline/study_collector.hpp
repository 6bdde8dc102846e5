#pragma once

#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/pipeline/study_verdict.hpp"
#include "quicksilver/pipeline/task_hint.hpp"
#include "quicksilver/store/study_folders.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

namespace quicksilver {

/// Study collection: watches the studies that series have joined, and moves each on when it is complete, or when its
/// time is up. The folders are the truth; what is remembered here is only since when, by the steady clock, so that
/// setting the wall clock shifts nothing. Io thread only.
class StudyCollector {
public:
    struct Status {
        std::size_t collecting = 0;
        std::size_t unreadable = 0;  ///< their task.json is damaged; they stay until somebody looks at them
        std::uint64_t completed_total = 0;
        std::uint64_t discarded_total = 0;
        std::optional<Seconds> oldest;
    };
    /// A study as people see it while it is collected.
    struct View {
        std::string key;  ///< `StudyInstanceUID#rule`
        TaskFile task;
        StudyVerdict verdict;  ///< of the last look
    };

    /// Whether a series of this study is on its way through reception or routing.
    using IsArriving = std::function<bool(const std::string& study_uid)>;

    /// `studies` outlives this.
    StudyCollector(StageContext context, StudyFolders& studies, IsArriving is_arriving, TaskHint to_next_stage);

    /// Watches until cancelled.
    boost::asio::awaitable<void> run();
    /// A series has joined the study. The folder is the truth; this is a hint.
    void joined(const std::string& key);

    /// What a person may want. Errc::not_found when the study is not being collected (any more).
    boost::asio::awaitable<Result<void>> complete(std::string key);
    boost::asio::awaitable<Result<void>> discard(std::string key);
    boost::asio::awaitable<Result<void>> extend(std::string key);

    Status status() const;
    std::vector<View> views() const;

private:
    struct Seen {
        std::string version;  // of what the times below were taken from
        SteadyTime created;
        SteadyTime quiet_since;
        View view;
        std::string reported;  // the problem that was reported last
    };

    boost::asio::awaitable<void> look_around();
    boost::asio::awaitable<void> judge(const CollectedStudy& study);
    boost::asio::awaitable<Result<void>> take(const TaskFile& task, const std::string& key, Stage to,
                                              std::string reason);
    boost::asio::awaitable<void> wait_for_next_look();
    boost::asio::awaitable<void> woken();
    void wake();
    Seen& update(const CollectedStudy& study);
    void report(const std::string& key, std::string& reported, const std::string& problem);
    void record_taken(const TaskFile& task, Stage to, const std::filesystem::path& folder, const std::string& reason);
    void remember_completed(const std::string& key);

    StageContext context_;
    StudyFolders& studies_;
    IsArriving is_arriving_;
    TaskHint to_next_stage_;
    std::map<std::string, Seen> seen_;               // by key
    std::map<std::string, SteadyTime> joined_;       // since the last look
    std::map<std::string, std::string> unreadable_;  // key → what was reported
    static constexpr std::size_t remembered_max = 10'000;
    std::unordered_set<std::string> completed_;  // the last keys that moved on, to recognise late series
    std::deque<std::string> completed_order_;
    boost::asio::steady_timer wakeup_;  // cancelled to look at once
    bool woken_ = false;
    Status totals_;
};

}  // namespace quicksilver
