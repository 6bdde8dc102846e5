#include "storage_forecast.hpp"

#include <algorithm>
#include <numeric>

namespace quicksilver::api {

using nlohmann::json;

namespace {

constexpr double seconds_a_day = 86'400;
/// Nobody plans further ahead, and times have an end.
constexpr double days_max = 3650;

}  // namespace

json storage_forecast(const StorageStatus& storage, const CleanerConfig& cleaner,
                      const std::vector<std::uint64_t>& received_by_day, WallTime now) {
    // A server that runs for two days only is not judged by five empty ones.
    const auto first = std::ranges::find_if(received_by_day, [](std::uint64_t bytes) { return bytes > 0; });
    const auto days = std::max<std::ptrdiff_t>(1, received_by_day.end() - first);
    const double sum = static_cast<double>(std::accumulate(first, received_by_day.end(), std::uint64_t{0}));
    const double per_day = sum / static_cast<double>(days);
    const std::uint64_t busiest = received_by_day.empty() ? 0 : *std::ranges::max_element(received_by_day);
    const double retention_days = cleaner.retention.count() / seconds_a_day;
    const double steady = per_day * retention_days;
    const double usable = static_cast<double>(storage.free_bytes) - static_cast<double>(storage.reserve_bytes);
    // What was received within the retention lies here already.
    const double here = std::min(sum, steady);
    const bool fits = steady - here <= std::max(usable, 0.0);
    json full_at;
    if (!fits && per_day > 0) {
        const double days_left = std::clamp(usable / per_day, 0.0, days_max);
        const auto left = std::chrono::duration<double>(days_left * seconds_a_day);
        full_at = rfc3339(now + std::chrono::duration_cast<WallTime::duration>(left));
    }
    return {{"received_per_day_bytes", static_cast<std::uint64_t>(per_day)},
            {"busiest_day_bytes", busiest},
            {"retention_s", cleaner.retention.count()},
            {"steady_bytes", static_cast<std::uint64_t>(steady)},
            {"usable_bytes", static_cast<std::uint64_t>(std::max(usable, 0.0))},
            {"full_at", std::move(full_at)},
            {"fits", fits}};
}

}  // namespace quicksilver::api
