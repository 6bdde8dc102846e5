#pragma once

#include "quicksilver/core/async_queue.hpp"
#include "quicksilver/dicom/listener.hpp"
#include "quicksilver/pipeline/incoming_store.hpp"
#include "quicksilver/pipeline/rate_meter.hpp"
#include "quicksilver/pipeline/series_tracker.hpp"
#include "quicksilver/pipeline/stage_context.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace quicksilver {

/// A series that has been quiet for long enough: its folder in incoming/ waits to be routed.
struct CompleteSeries {
    std::string series_uid;
    std::string study_uid;  ///< empty when not known
    SteadyTime first_arrival;
    SteadyTime complete_since;
};

/// Reception: listens, lets associations store instances, and passes complete series on to the router.
/// Io thread only; the observer's functions come from association threads and post to it.
class Receiver final : public dicom::ReceptionObserver {
public:
    struct Status {
        std::uint64_t instances_total = 0;
        std::uint64_t repeated_total = 0;  ///< of these: the same SOP Instance UID as one that was waiting
        std::uint64_t bytes_total = 0;
        std::uint64_t refused_total = 0;   ///< instances answered with a failure status
        std::uint64_t rejected_total = 0;  ///< associations
        std::size_t associations = 0;      ///< open now
        std::size_t series_arriving = 0;
        bool paused = false;
        double instances_per_second = 0;  ///< mean of the last minute
        double bytes_per_second = 0;
    };

    /// Whether anybody waits for what a peer commits to. Called from association threads.
    using TakeCommitment = std::function<bool(dicom::CommitmentReport)>;

    Receiver(StageContext context, boost::asio::thread_pool& associations, IncomingStore& store,
             AsyncQueue<CompleteSeries>& to_router, TakeCommitment take_commitment);

    /// Takes the port.
    Result<void> open() { return listener_.open(); }
    std::uint16_t port() const { return listener_.port(); }

    std::uint16_t encrypted_port() const { return listener_.encrypted_port(); }

    /// Accepts associations until close().
    boost::asio::awaitable<void> listen() { return listener_.run(); }
    boost::asio::awaitable<void> listen_encrypted() { return listener_.run_encrypted(); }
    /// Finds out which series are complete, until cancelled.
    boost::asio::awaitable<void> watch_completion();
    /// Looks for folders that nobody told us of, at once and then every minute, until cancelled.
    boost::asio::awaitable<void> scan_folders();

    /// No new associations; running ones finish the instance in hand.
    void close() { listener_.close(); }
    /// While paused, no association begins; running ones go on.
    void set_paused(bool paused);
    /// Ends running associations; what they stored is known after this.
    void abort();
    bool is_idle() const { return listener_.associations() == 0; }
    /// The completion time may have changed.
    void configuration_changed() { wake_completion(); }
    /// The router could not take it now.
    void put_back(const CompleteSeries& series);

    /// Whether a series of this study is arriving.
    bool is_receiving_study(const std::string& study_uid) const { return tracker_.contains_study(study_uid); }

    Status status() const;

    void instance_stored(const dicom::StoredInstance& instance) override;
    void instance_refused(const dicom::Peer& peer, const std::string& sop_instance_uid, std::uint16_t status,
                          const std::string& reason) override;
    void association_rejected(const dicom::Peer& peer, const std::string& reason) override;
    void association_began(const dicom::Peer& peer) override;
    void association_ended(const dicom::Peer& peer) override;
    void commitment_reported(const dicom::Peer& peer, dicom::CommitmentReport report) override;

private:
    void take_arrivals_soon();
    void take_arrivals();
    void arrived(const dicom::StoredInstance& instance);
    void pass_on_complete();
    void wake_completion();
    boost::asio::awaitable<void> due_may_have_changed();
    boost::asio::awaitable<void> scan_once();

    StageContext context_;
    IncomingStore& store_;
    AsyncQueue<CompleteSeries>& to_router_;
    const TakeCommitment take_commitment_;
    dicom::Listener listener_;
    SeriesTracker tracker_;
    boost::asio::steady_timer wakeup_;  // cancelled when the next due time may have changed
    bool due_changed_ = false;
    boost::asio::steady_timer arrival_timer_;
    std::mutex arrivals_mutex_;  // guards arrivals_, which association threads fill
    std::vector<dicom::StoredInstance> arrivals_;
    Status totals_;
    RateMeter instance_rate_;
    RateMeter byte_rate_;
};

}  // namespace quicksilver
