#pragma once

#include "quicksilver/core/clock.hpp"

#include <array>
#include <optional>
#include <vector>

namespace quicksilver::api {

/// How a device usually sends, and whether it is silent for longer than that.
struct SourceRhythm {
    /// Between two visits: series that come close together are one. The middle one of those between visits of one day,
    /// so that nights and weekends do not count. Nothing while too little is known.
    std::optional<double> usual_gap_s;
    double silent_s = 0;                  ///< since the last series
    double missed = 0;                    ///< visits that should have come since then, by the hour of the week
    bool overdue = false;                 ///< so many of them that something is wrong
    std::array<unsigned, 24> last_day{};  ///< series in each of the last 24 hours, the oldest first
};

/// From when its series came, the oldest first. `expected_gap_s`: what a person said instead of what was learned.
/// Pure but for the time zone.
SourceRhythm rhythm_of(const std::vector<WallTime>& series, WallTime now, std::optional<double> expected_gap_s);

}  // namespace quicksilver::api
