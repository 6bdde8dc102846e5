#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"

#include <filesystem>
#include <vector>

namespace quicksilver {

/// A folder in success/ or discard/ that nobody uses.
struct CleaningCandidate {
    std::filesystem::path folder;
    WallTime modified;
    bool held = false;  ///< a person keeps it
};

/// Those that are older than the retention, oldest first, held ones too; none outside the off-peak hours. Pure.
std::vector<CleaningCandidate> expired(std::vector<CleaningCandidate> candidates, const CleanerConfig& config,
                                       WallTime now, int local_minute);

/// Whether so much of a disk is used that the oldest folders must go, whatever their age and the hour. Pure.
bool is_disk_almost_full(std::uint64_t total_bytes, std::uint64_t available_bytes, unsigned emergency_percentage);

}  // namespace quicksilver
