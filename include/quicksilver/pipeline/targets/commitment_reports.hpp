#pragma once

#include "quicksilver/dicom/storage_commitment.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace quicksilver {

/// What peers report about the storage commitments that deliveries wait for. A delivery has one open transaction; after
/// a restart it asks anew, and a report for the old one is nobody's. Any thread.
class CommitmentReports {
public:
    /// A task on its way to one target.
    struct Key {
        std::string task_id, target;
        auto operator<=>(const Key&) const = default;
    };

    /// From now on the report of this transaction is kept for the delivery, in place of any other.
    void expect(const Key& delivery, const std::string& transaction_uid);
    /// False when nobody waits for it. Tells the listener.
    bool take_in(dicom::CommitmentReport report);
    bool has_come(const Key& delivery) const;
    /// The report, once.
    std::optional<dicom::CommitmentReport> collect(const Key& delivery);

    /// Called when a report came, from any thread; set before the first.
    void on_report(std::function<void(const Key& delivery)> tell) { tell_ = std::move(tell); }

    /// Reports that are waited for at most; whoever waited longest asks anew at its next attempt.
    static constexpr std::size_t waiting_max = 10'000;

private:
    struct Waiting {
        std::uint64_t number = 0;  ///< in the order in which they were asked for
        std::string transaction_uid;
        std::optional<dicom::CommitmentReport> report;
    };

    mutable std::mutex mutex_;
    std::uint64_t numbers_ = 0;
    std::map<Key, Waiting> waiting_;
    std::function<void(const Key&)> tell_;
};

}  // namespace quicksilver
