#include "quicksilver/pipeline/cleaning_plan.hpp"

#include <algorithm>

namespace quicksilver {

std::vector<CleaningCandidate> expired(std::vector<CleaningCandidate> candidates, const CleanerConfig& config,
                                       WallTime now, int local_minute) {
    if (!is_offpeak(config.offpeak_start, config.offpeak_end, local_minute)) return {};
    const auto retention = std::chrono::duration_cast<WallTime::duration>(config.retention);
    std::erase_if(candidates, [&](const CleaningCandidate& one) { return now - one.modified <= retention; });
    std::sort(candidates.begin(), candidates.end(),
              [](const CleaningCandidate& a, const CleaningCandidate& b) { return a.modified < b.modified; });
    return candidates;
}

bool is_disk_almost_full(std::uint64_t total_bytes, std::uint64_t available_bytes, unsigned emergency_percentage) {
    if (total_bytes == 0) return false;
    const double used = static_cast<double>(total_bytes - std::min(total_bytes, available_bytes));
    return used > static_cast<double>(total_bytes) * emergency_percentage / 100.0;
}

}  // namespace quicksilver
