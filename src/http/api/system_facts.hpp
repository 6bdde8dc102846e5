#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver::api {

/// {"time_zone","features","limits","licences"}: what a client may need to know of this server. Pure, but for the
/// machine's time zone.
nlohmann::json system_facts(const Config& config, WallTime now);

}  // namespace quicksilver::api
