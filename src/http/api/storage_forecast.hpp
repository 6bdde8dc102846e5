#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/http/status_source.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <vector>

namespace quicksilver::api {

/// {"received_per_day_bytes","busiest_day_bytes","retention_s","steady_bytes","usable_bytes","full_at","fits"}: what
/// the days before brought, oldest first, goes on. `steady_bytes`: what lies here when as much is cleaned up as comes.
/// `full_at`: when the space above the reserve is used up, null when cleaning up keeps it from that. Pure.
nlohmann::json storage_forecast(const StorageStatus& storage, const CleanerConfig& cleaner,
                                const std::vector<std::uint64_t>& received_by_day, WallTime now);

}  // namespace quicksilver::api
