#include "quicksilver/pipeline/receiver.hpp"

#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/routing.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace quicksilver {

namespace {

constexpr const char* sender = "receiver.main";
constexpr auto scan_interval = std::chrono::minutes(1);
constexpr auto postponement = std::chrono::seconds(1);
/// Waking the io thread for every small instance would cost a fifth of the speed of reception.
constexpr auto arrivals_interval = std::chrono::milliseconds(5);

}  // namespace

Receiver::Receiver(StageContext context, boost::asio::thread_pool& associations, IncomingStore& store,
                   AsyncQueue<CompleteSeries>& to_router, TakeCommitment take_commitment)
    : context_(std::move(context)),
      store_(store),
      to_router_(to_router),
      take_commitment_(std::move(take_commitment)),
      listener_(context_.io, associations, context_.config, store, *this, context_.log),
      wakeup_(context_.io, boost::asio::steady_timer::time_point::max()),
      arrival_timer_(context_.io) {}

boost::asio::awaitable<void> Receiver::watch_completion() {
    using namespace boost::asio::experimental::awaitable_operators;
    for (;;) {
        due_changed_ = false;
        const auto due = tracker_.next_due(context_.config()->series_complete_trigger);
        co_await (context_.clock.wait_until(due.value_or(SteadyTime::max())) || due_may_have_changed());
        pass_on_complete();
    }
}

void Receiver::wake_completion() {
    // Remembered, because nobody may be waiting yet: the operator above begins its two waits one after the other.
    due_changed_ = true;
    wakeup_.cancel();
}

boost::asio::awaitable<void> Receiver::due_may_have_changed() {
    if (due_changed_) co_return;
    boost::system::error_code cancelled;  // the timer never expires: waking up is always a "cancel"
    co_await wakeup_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
}

void Receiver::pass_on_complete() {
    const auto trigger = context_.config()->series_complete_trigger;
    const SteadyTime now = context_.clock.now();
    // Not before a second is over, even when the trigger is shorter.
    const auto quiet = std::chrono::duration_cast<SteadyTime::duration>(trigger);
    const SteadyTime again = now + std::max<SteadyTime::duration>(postponement, quiet) - quiet;
    for (const SeriesTracker::Complete& complete : tracker_.take_complete(now, trigger)) {
        if (store_.is_receiving(complete.series_uid)) {
            tracker_.postpone(complete, again);
            continue;
        }
        if (!to_router_.push(
                CompleteSeries{complete.series_uid, complete.series.study_uid, complete.series.first, now})) {
            tracker_.postpone(complete, again);
        }
    }
}

void Receiver::put_back(const CompleteSeries& series) {
    tracker_.found(series.series_uid, series.study_uid, context_.clock.now());
    wake_completion();
}

boost::asio::awaitable<void> Receiver::scan_folders() {
    for (;;) {
        co_await scan_once();
        co_await context_.clock.wait_for(scan_interval);
    }
}

boost::asio::awaitable<void> Receiver::scan_once() {
    auto list = [this] { return context_.folders.list(Stage::incoming); };
    const auto entries = co_await run_blocking(context_.files, list);
    if (!entries) {
        context_.log.error("cannot look through the incoming folder", kv("reason", entries.error().message));
        co_return;
    }
    const SteadyTime now = context_.clock.now();
    const WallTime wall_now = context_.clock.wall_now();
    for (const TaskEntry& entry : *entries) {
        if (!is_file_safe_uid(entry.id) || tracker_.contains(entry.id)) continue;
        auto read = [&entry] { return read_study_uid(entry.path); };
        const std::string study_uid = co_await run_blocking(context_.files, read);
        // The folder was touched when the last file came; a clock that was set must not make it wait for ever.
        const auto age = std::clamp<WallTime::duration>(wall_now - entry.modified, WallTime::duration::zero(),
                                                        std::chrono::hours(24));
        tracker_.found(entry.id, study_uid, now - std::chrono::duration_cast<SteadyTime::duration>(age));
    }
    if (tracker_.size() > 0) wake_completion();
}

void Receiver::instance_stored(const dicom::StoredInstance& instance) {
    bool is_first = false;
    {
        const std::lock_guard lock(arrivals_mutex_);
        is_first = arrivals_.empty();
        arrivals_.push_back(instance);
    }
    if (is_first) boost::asio::post(context_.io, [this] { take_arrivals_soon(); });
}

void Receiver::set_paused(bool paused) {
    listener_.set_paused(paused);
    if (paused != totals_.paused) context_.log.info(paused ? "reception paused" : "reception goes on");
    totals_.paused = paused;
}

void Receiver::abort() {
    listener_.abort();
    take_arrivals();
}

void Receiver::take_arrivals_soon() {
    arrival_timer_.expires_after(arrivals_interval);
    arrival_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) take_arrivals();
    });
}

void Receiver::take_arrivals() {
    std::vector<dicom::StoredInstance> arrivals;
    {
        const std::lock_guard lock(arrivals_mutex_);
        arrivals.swap(arrivals_);
    }
    for (const dicom::StoredInstance& instance : arrivals) arrived(instance);
}

void Receiver::arrived(const dicom::StoredInstance& instance) {
    const SteadyTime now = context_.clock.now();
    const std::string& series_uid = instance.identity.series_instance_uid;
    ++totals_.instances_total;
    if (instance.repeated) ++totals_.repeated_total;
    totals_.bytes_total += instance.bytes;
    instance_rate_.add(now, 1);
    byte_rate_.add(now, instance.bytes);

    const bool first_of_series = !tracker_.contains(series_uid);
    tracker_.arrived(series_uid, instance.identity.study_instance_uid, now, instance.bytes);
    if (first_of_series) wake_completion();

    journal::DicomFile file;
    file.time = context_.clock.wall_now();
    file.filename = fmt::format("{}#{}", series_uid, instance.identity.sop_instance_uid);
    file.file_uid = instance.identity.sop_instance_uid;
    file.series_uid = series_uid;
    context_.books.record(std::move(file));
    if (first_of_series) {
        context_.log.info("series arriving", kv("series", series_uid), kv("calling", instance.peer.calling_ae),
                          kv("peer", instance.peer.address));
        journal::SeriesState state;
        state.time = context_.clock.wall_now();
        state.series_uid = series_uid;
        state.state = journal::SeriesStage::receiving;
        context_.books.record(std::move(state));
    }
}

void Receiver::instance_refused(const dicom::Peer& peer, const std::string& sop_instance_uid, std::uint16_t status,
                                const std::string& reason) {
    auto description = fmt::format("Instance {} from {} ({}) refused with status 0x{:04X}: {}", sop_instance_uid,
                                   peer.calling_ae, peer.address, status, reason);
    boost::asio::post(context_.io, [this, description = std::move(description)] {
        ++totals_.refused_total;
        context_.books.server_event(sender, MercureEventType::processing, Severity::error, description);
    });
}

void Receiver::association_rejected(const dicom::Peer& peer, const std::string& reason) {
    // The address first: it is ours, while a peer may give itself any name. Statistics::rejections reads it.
    auto description =
        fmt::format("Association from {} rejected: {} (calling AE {}, called AE {})", peer.address, reason,
                    without_control_characters(peer.calling_ae), without_control_characters(peer.called_ae));
    boost::asio::post(context_.io, [this, description = std::move(description)] {
        ++totals_.rejected_total;
        context_.books.server_event(sender, MercureEventType::processing, Severity::warning, description);
    });
}

void Receiver::association_began(const dicom::Peer& peer) {
    context_.log.debug("association began", kv("calling", peer.calling_ae), kv("peer", peer.address));
}

void Receiver::association_ended(const dicom::Peer& peer) {
    context_.log.debug("association ended", kv("calling", peer.calling_ae), kv("peer", peer.address));
}

Receiver::Status Receiver::status() const {
    Status status = totals_;
    const SteadyTime now = context_.clock.now();
    status.associations = listener_.associations();
    status.series_arriving = tracker_.size();
    RateMeter instances = instance_rate_;
    RateMeter bytes = byte_rate_;
    status.instances_per_second = instances.per_second(now);
    status.bytes_per_second = bytes.per_second(now);
    return status;
}

void Receiver::commitment_reported(const dicom::Peer& peer, dicom::CommitmentReport report) {
    const std::size_t committed = report.committed.size(), failed = report.failed.size();
    const bool is_expected = take_commitment_(std::move(report));
    context_.log.info(is_expected ? "storage commitment reported" : "a storage commitment that nobody waits for",
                      kv("calling", peer.calling_ae), kv("peer", peer.address), kv("committed", committed),
                      kv("failed", failed));
}

}  // namespace quicksilver
