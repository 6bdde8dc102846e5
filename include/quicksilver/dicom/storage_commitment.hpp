#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/dicom/commitment_report.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::dicom {

/// Storage Commitment, push model, as its user (PS3.4 annex J): a peer promises to keep instances.
struct CommitmentItem {
    std::string sop_class_uid;
    std::string sop_instance_uid;
};

struct CommitmentRequest {
    std::string transaction_uid;
    std::vector<CommitmentItem> items;
};

/// The item of a file, or why it cannot be read.
Result<CommitmentItem> commitment_item_of(const std::filesystem::path& file);

/// A new transaction UID.
std::string make_transaction_uid();

/// Asks, on an association of its own, and waits there at most `wait` for the report. Nothing when none came, or when
/// `is_reported` said that it came by another association, which peers are free to open later. Blocks the thread.
/// Errc::refused when the peer does not offer the service, or refuses the request.
Result<std::optional<CommitmentReport>> request_commitment(const Destination& destination,
                                                           const CommitmentRequest& request, std::chrono::seconds wait,
                                                           const std::function<bool()>& is_reported,
                                                           const StopFlag& stop);

/// Whether the peer offers the service; Errc::refused when not. Blocks the thread.
Result<void> test_commitment(const Destination& destination, const StopFlag& stop);

/// Of a report's data set; one of 100,000 instances has 13 MB.
inline constexpr std::size_t report_bytes_max = 64UL << 20;

/// Reads the data set of an N-EVENT-REPORT of the service. Errc::invalid says what is wrong with it. Pure.
Result<CommitmentReport> read_commitment_report(std::string_view data_set, const std::string& transfer_syntax_uid);

/// What a FailureReason means.
std::string commitment_failure_text(std::uint16_t reason);

}  // namespace quicksilver::dicom
