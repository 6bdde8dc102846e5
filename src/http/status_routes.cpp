#include "quicksilver/http/status_routes.hpp"

#include "quicksilver/http/problem.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace quicksilver {

namespace {

using boost::asio::awaitable;

/// The handlers, kept alive by the table of routes.
class StatusRoutes {
public:
    StatusRoutes(const StatusSource& source, const Clock& clock, SystemInfo system)
        : source_(source), clock_(clock), system_(std::move(system)) {}

    /// That it is answered at all is the information: the io thread runs.
    HttpResponse health() const { return make_json({{"status", "ok"}}); }

    HttpResponse ready() const {
        const Readiness readiness = source_.readiness();
        if (readiness.ready) return make_json({{"status", "ready"}});
        HttpResponse response = make_json({{"status", "not ready"}, {"reasons", readiness.reasons}}, 503);
        response.headers.emplace_back("Retry-After", "5");
        return response;
    }

    HttpResponse metrics() const {
        HttpResponse response;
        response.content_type = prometheus_content_type;
        response.body = to_prometheus_text(source_.metrics());
        return response;
    }

    HttpResponse pipeline() const {
        nlohmann::json content = to_json(source_.pipeline());
        const Readiness readiness = source_.readiness();
        content["ready"] = readiness.ready;
        content["reasons"] = readiness.reasons;
        content.update(system_part());
        return make_json(content);
    }

    HttpResponse system() const {
        nlohmann::json content = system_part();
        content["build"] = system_.build;
        return make_json(content);
    }

private:
    nlohmann::json system_part() const {
        const double uptime_ms = std::chrono::duration<double, std::milli>(clock_.now() - system_.started).count();
        return {{"server_time", rfc3339(clock_.wall_now())},
                {"uptime_s", static_cast<double>(static_cast<long long>(uptime_ms)) / 1000},
                {"version", system_.version},
                {"appliance", system_.appliance}};
    }

    const StatusSource& source_;
    const Clock& clock_;
    SystemInfo system_;
};

}  // namespace

void add_status_routes(Routes& routes, const StatusSource& source, const Clock& clock, SystemInfo system) {
    const auto handlers = std::make_shared<const StatusRoutes>(source, clock, std::move(system));
    const auto answer_with = [&](const std::string& path, HttpResponse (StatusRoutes::*answer)() const) {
        routes.add("GET", path, [handlers, answer](const HttpRequest&) -> awaitable<HttpResponse> {
            co_return ((*handlers).*answer)();
        });
    };
    answer_with("/healthz", &StatusRoutes::health);
    answer_with("/readyz", &StatusRoutes::ready);
    answer_with("/metrics", &StatusRoutes::metrics);
    answer_with("/api/v1/pipeline", &StatusRoutes::pipeline);
    answer_with("/api/v1/system", &StatusRoutes::system);
}

}  // namespace quicksilver
