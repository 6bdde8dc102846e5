#include "quicksilver/http/status_routes.hpp"

#include "quicksilver/http/problem.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

namespace {

using boost::asio::awaitable;

/// That it is answered at all is the information: the io thread runs.
HttpResponse health() {
    return make_json({{"status", "ok"}});
}

HttpResponse ready(const StatusSource& source) {
    const Readiness readiness = source.readiness();
    if (readiness.ready) return make_json({{"status", "ready"}});
    HttpResponse response = make_json({{"status", "not ready"}, {"reasons", readiness.reasons}}, 503);
    response.headers.emplace_back("Retry-After", "5");
    return response;
}

HttpResponse metrics(const StatusSource& source) {
    HttpResponse response;
    response.content_type = prometheus_content_type;
    response.body = to_prometheus_text(source.metrics());
    return response;
}

nlohmann::json system_part(const Clock& clock, const SystemInfo& system) {
    const double uptime_ms = std::chrono::duration<double, std::milli>(clock.now() - system.started).count();
    return {{"server_time", rfc3339(clock.wall_now())},
            {"uptime_s", static_cast<double>(static_cast<long long>(uptime_ms)) / 1000},
            {"version", system.version},
            {"appliance", system.appliance}};
}

}  // namespace

void add_status_routes(Routes& routes, const StatusSource& source) {
    routes.add("GET", "/healthz", [](const HttpRequest&) -> awaitable<HttpResponse> { co_return health(); });
    routes.add("GET", "/readyz", [&source](const HttpRequest&) -> awaitable<HttpResponse> { co_return ready(source); });
    routes.add("GET", "/metrics",
               [&source](const HttpRequest&) -> awaitable<HttpResponse> { co_return metrics(source); });
}

nlohmann::json system_json(const Clock& clock, const SystemInfo& system) {
    nlohmann::json content = system_part(clock, system);
    content["build"] = system.build;
    return content;
}

nlohmann::json pipeline_json(const StatusSource& source, const Clock& clock, const SystemInfo& system) {
    nlohmann::json content = to_json(source.pipeline());
    const Readiness readiness = source.readiness();
    content["ready"] = readiness.ready;
    content["reasons"] = readiness.reasons;
    content.update(system_part(clock, system));
    return content;
}

}  // namespace quicksilver
