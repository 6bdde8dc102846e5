#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/http/routes.hpp"
#include "quicksilver/http/status_source.hpp"

#include <string>

namespace quicksilver {

/// What does not change while the process runs.
struct SystemInfo {
    std::string version;    ///< 0.1.0
    std::string build;      ///< commit or date, for support; may be empty
    std::string appliance;  ///< the configuration's appliance_name
    SteadyTime started;     ///< by the clock that is given beside it
};

/// /healthz, /readyz, /metrics, /api/v1/pipeline and /api/v1/system. Source and clock outlive the routes.
void add_status_routes(Routes& routes, const StatusSource& source, const Clock& clock, SystemInfo system);

}  // namespace quicksilver
