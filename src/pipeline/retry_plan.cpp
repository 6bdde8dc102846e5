#include "quicksilver/pipeline/retry_plan.hpp"

#include <array>

namespace quicksilver {

std::optional<Seconds> next_attempt(const RetryConfig& retry, unsigned failures) {
    if (retry.attempts != 0 && failures >= retry.attempts) return std::nullopt;
    return retry.delay;
}

std::optional<Seconds> next_routing_attempt(unsigned failures) {
    constexpr std::array<double, 5> delays = {1, 5, 15, 60, 300};
    if (failures == 0) return Seconds(0);
    if (failures > delays.size()) return std::nullopt;
    return Seconds(delays[failures - 1]);
}

}  // namespace quicksilver
