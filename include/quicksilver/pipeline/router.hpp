#pragma once

#include "quicksilver/core/async_queue.hpp"
#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/pipeline/receiver.hpp"
#include "quicksilver/pipeline/routing.hpp"
#include "quicksilver/pipeline/series_holds.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/pipeline/task_hint.hpp"
#include "quicksilver/store/study_folders.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

namespace quicksilver {

/// Routing: decides for every complete series where it goes and hands it over to its tasks, safe against a crash.
/// Io thread only.
class Router {
public:
    struct Status {
        std::uint64_t routed_total = 0;     ///< series that became tasks to process or deliver
        std::uint64_t discarded_total = 0;  ///< by a rule, or because no rule triggered
        std::uint64_t failed_total = 0;     ///< series parked in error/
        std::size_t waiting = 0;
        std::size_t in_flight = 0;
        std::optional<Seconds> oldest;
        bool paused = false;
    };

    /// `to_next_stage` is told of each task that was made, and of each study that a series joined, by its key.
    Router(StageContext context, IncomingStore& store, Receiver& receiver, AsyncQueue<CompleteSeries>& incoming,
           StudyFolders& studies, SeriesHolds& holds, TaskHint to_next_stage, ServerIdentity server);

    /// Finishes what the last run left half handed over. Before run(). Returns how many series.
    boost::asio::awaitable<std::size_t> recover();
    /// Ends when the incoming queue is closed and drained, or on cancellation.
    boost::asio::awaitable<void> run();
    /// Waits for the series in hand; false when the grace is over first.
    boost::asio::awaitable<bool> join(std::chrono::steady_clock::duration grace) { return working_.join(grace); }
    void cancel() { working_.cancel(); }
    /// While paused, series wait in incoming/; those in hand are finished.
    void set_paused(bool paused);

    /// Routes a series again, from its files as they were received, wherever they lie now: as if it had come once more,
    /// and with `forced_rule` as if this rule alone had triggered. What it became before stays as it is. Returns, once
    /// that is durable, the id of its new task. Errc::not_found when there is no such rule, or no such file any more.
    boost::asio::awaitable<Result<std::string>> route_again(KnownSeries series, std::string forced_rule);

    /// Whether a series of this study waits to be routed, or is being routed.
    bool is_routing_study(const std::string& study_uid) const;

    Status status() const;

private:
    class InHand;
    struct Claim {
        std::string series_uid;
        std::shared_ptr<const InHand> study;  // from when the series leaves the queue until it is handed over
        std::string task_id;
        std::filesystem::path folder;
        bool again = false;  // somebody wanted it
    };

    boost::asio::awaitable<void> until_resumed();
    boost::asio::awaitable<void> route(CompleteSeries series, Claim claim);
    boost::asio::awaitable<void> hand_over(Claim claim);
    boost::asio::awaitable<void> hand_over_when_resumed(Claim claim);
    Result<std::filesystem::path> claim_again(const KnownSeries& series, const std::string& task_id,
                                              const std::string& forced_rule) const;
    Result<SeriesRoute> decide_and_hand_over(const Claim& claim, const RoutingRules& rules) const;
    Result<void> keep_if_held(const Claim& claim, const std::string& series_uid) const;
    void keep_what_was_made(const Claim& claim, const SeriesRoute& route);
    std::shared_ptr<const RoutingRules> current_rules();
    void record(const Claim& claim, const SeriesRoute& route);
    void record_study(const Claim& claim, const SeriesRoute& route, const RoutedTask& task);
    void record_task(const Claim& claim, const SeriesRoute& route, const RoutedTask& task);
    void record_failure(const Claim& claim, const std::string& reason);
    std::string how_registered(const Claim& claim, const SeriesRoute& route);
    bool remember(const std::string& series_uid);

    StageContext context_;
    IncomingStore& store_;
    Receiver& receiver_;
    AsyncQueue<CompleteSeries>& incoming_;
    SeriesHolds& holds_;
    TaskHint to_next_stage_;
    ServerIdentity server_;
    Handover handover_;
    CoroutineGroup working_;
    std::shared_ptr<const RoutingRules> rules_;
    std::multiset<std::string> studies_;  // StudyInstanceUIDs of the series in hand
    Status totals_;
    std::size_t waiting_again_ = 0;      // series to route again, of those that working_ has, while routing is paused
    boost::asio::steady_timer resumed_;  // cancelled when routing goes on
    static constexpr std::size_t remembered_max = 10'000;
    std::unordered_set<std::string> routed_;  // the last series that were routed, to recognise late parts
    std::deque<std::string> routed_order_;
};

}  // namespace quicksilver
