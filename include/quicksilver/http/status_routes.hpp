#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/http/routes.hpp"
#include "quicksilver/http/status_source.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace quicksilver {

/// What does not change while the process runs.
struct SystemInfo {
    std::string version;    ///< 0.1.0
    std::string build;      ///< commit or date, for support; may be empty
    std::string appliance;  ///< the configuration's appliance_name
    SteadyTime started;     ///< by the clock that is given beside it
};

/// /healthz, /readyz and /metrics, for whom nobody signs in. The source outlives the routes.
void add_status_routes(Routes& routes, const StatusSource& source);

/// GET /api/v1/system: server_time, uptime_s, version, appliance, build.
nlohmann::json system_json(const Clock& clock, const SystemInfo& system);
/// GET /api/v1/pipeline (status_source.hpp).
nlohmann::json pipeline_json(const StatusSource& source, const Clock& clock, const SystemInfo& system);

}  // namespace quicksilver
