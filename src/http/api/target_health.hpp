#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/history.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <vector>

namespace quicksilver::api {

/// How the deliveries of a target's events went: {"deliveries":{"ok","failed","p50_s","p95_s"},
/// "buckets":[{"t","ok","failed"}]}, with up to 96 buckets of the same length from `since` to `now`. Times are null
/// without a delivery. Pure.
nlohmann::json delivery_statistics(const std::vector<EventItem>& events, WallTime since, WallTime now);

/// The value below which this part (0–1) of the values lies; null for none. Sorts them. Pure.
nlohmann::json quantile(std::vector<double>& values, double part);

}  // namespace quicksilver::api
