#include "quicksilver/pipeline/retry_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace quicksilver {

std::optional<Seconds> next_attempt(const RetryConfig& retry, unsigned failures, double random) {
    if (retry.attempts != 0 && failures >= retry.attempts) return std::nullopt;
    const Seconds longest = std::max(retry.delay, retry.max_delay);
    // The power may be infinite, and then the longest counts.
    const double growth = std::pow(retry.multiplier, static_cast<double>(std::max(1U, failures) - 1));
    const Seconds wait = std::min(retry.delay.count() > 0 ? retry.delay * growth : retry.delay, longest);
    return wait * (1 + retry.jitter * (2 * random - 1));
}

std::optional<Seconds> next_routing_attempt(unsigned failures) {
    constexpr std::array<double, 5> delays = {1, 5, 15, 60, 300};
    if (failures == 0) return Seconds(0);
    if (failures > delays.size()) return std::nullopt;
    return Seconds(delays[failures - 1]);
}

}  // namespace quicksilver
