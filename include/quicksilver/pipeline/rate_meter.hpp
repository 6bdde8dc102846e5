#pragma once

#include "quicksilver/core/clock.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace quicksilver {

/// How many a second, as the mean of the last minute. Pure; a ring of one-second counts.
class RateMeter {
public:
    void add(SteadyTime now, std::uint64_t count) {
        move_to(now);
        counts_[static_cast<std::size_t>(second_) % counts_.size()] += count;
    }
    double per_second(SteadyTime now) {
        move_to(now);
        std::uint64_t sum = 0;
        for (const std::uint64_t count : counts_) sum += count;
        return static_cast<double>(sum) / static_cast<double>(counts_.size());
    }

private:
    void move_to(SteadyTime now) {
        const auto second = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
        const auto length = static_cast<std::int64_t>(counts_.size());
        if (second - second_ >= length) counts_.fill(0);
        for (std::int64_t s = std::max(second_ + 1, second - length + 1); s <= second; ++s) {
            counts_[static_cast<std::size_t>(s) % counts_.size()] = 0;
        }
        second_ = std::max(second_, second);
    }

    std::array<std::uint64_t, 60> counts_{};
    std::int64_t second_ = 0;
};

}  // namespace quicksilver
