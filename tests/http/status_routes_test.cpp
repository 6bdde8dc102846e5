#include "quicksilver/http/status_routes.hpp"

#include "http/fake_status_source.hpp"
#include "support/catch.hpp"
#include "support/coroutines.hpp"
#include "support/manual_clock.hpp"

#include <boost/asio/io_context.hpp>
#include <nlohmann/json.hpp>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

/// The status routes over a pipeline that the test sets, asked without a server.
struct StatusFixture {
    StatusFixture() { add_status_routes(routes, source); }

    HttpResponse get(const std::string& path) {
        asio::io_context context;
        HttpResponse response;
        const HttpRequest request;
        const HttpHandler& handler = *routes.find("GET", path).handler;
        auto ask = [&]() -> asio::awaitable<void> { response = co_await handler(request); };
        run_coroutine(context, ask());
        return response;
    }

    nlohmann::json get_json(const std::string& path) { return nlohmann::json::parse(get(path).body); }

    FakeStatusSource source;
    ManualClock clock;
    SystemInfo system{"1.2.3", "abc", "radiology", clock.now()};
    Routes routes;
};

}  // namespace

TEST_CASE("healthz is ok as long as it is answered, whatever the pipeline says", "[http][status]") {
    StatusFixture fixture;
    fixture.source.ready = {false, {"stopping"}};
    CHECK(fixture.get("/healthz").status == 200);
    CHECK(fixture.get_json("/healthz").dump() == R"({"status":"ok"})");
}

TEST_CASE("readyz tells why not", "[http][status]") {
    StatusFixture fixture;
    CHECK(fixture.get("/readyz").status == 200);
    CHECK(fixture.get_json("/readyz").dump() == R"({"status":"ready"})");
    fixture.source.ready = {false, {"the disk is full", "stopping"}};
    CHECK(fixture.get("/readyz").status == 503);
    CHECK(fixture.get_json("/readyz").at("reasons").dump() == R"(["the disk is full","stopping"])");
}

TEST_CASE("metrics are Prometheus' text", "[http][status]") {
    StatusFixture fixture;
    fixture.source.families = {{"qs_x", "", MetricType::gauge, {{{}, 3, ""}}}};
    const HttpResponse response = fixture.get("/metrics");
    CHECK(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(response.body == "# TYPE qs_x gauge\nqs_x 3\n");
}

TEST_CASE("The pipeline's answer has the shape that the page reads", "[http][status]") {
    StatusFixture fixture;
    PipelineStatus& status = fixture.source.status;
    status.receive = {StageState::running, 412, 216268800, 1, 2, 6.93333, 3604480, {}};
    status.route = {StageState::pausing, 3, 1, Seconds(4.25), 0.25, 0, {}};
    status.process = {
        StageState::paused, 0, 0, std::nullopt, 0, 0, StagePause{"new disk", "anna", WallTime(), std::nullopt}};
    status.dispatch = {StageState::stopped, 5, 0, Seconds(60), 1.5, 90, {}};
    status.series = {1, 7, 2, 3};
    TargetStatus retrying{"pacs", "dicom",  TargetState::retrying, 2, 1, 0, 1, Seconds(3.2), 80, 4000, 1.5, 90, 9, 7,
                          1,      "refused"};
    TargetStatus idle;
    idle.name = "archive";
    idle.type = "folder";
    status.targets = {retrying, idle};
    status.storage = {1000, 250, 50, {{"incoming", 1}, {"success", 7}}};
    fixture.clock.advance(90500ms);

    const auto expected = nlohmann::json::parse(R"({
      "server_time": "2026-09-21T14:14:50.500Z", "uptime_s": 90.5, "version": "1.2.3", "appliance": "radiology",
      "ready": true, "reasons": [],
      "stages": {
        "receive": {"state": "running", "instances_total": 412, "bytes_total": 216268800, "rejected_total": 1,
                    "associations": 2, "rate_1m": 6.933, "bytes_1m": 3604480.0, "pause": null},
        "route": {"state": "pausing", "waiting": 3, "in_flight": 1, "oldest_s": 4.25,
                  "rate_1m": 0.25, "bytes_1m": 0.0, "pause": null},
        "process": {"state": "paused", "waiting": 0, "in_flight": 0, "oldest_s": null,
                    "rate_1m": 0.0, "bytes_1m": 0.0, "pause": {"reason": "new disk",
                    "user": "anna", "since": "1970-01-01T00:00:00.000Z", "until": null}},
        "dispatch": {"state": "stopped", "waiting": 5, "in_flight": 0, "oldest_s": 60.0,
                     "rate_1m": 1.5, "bytes_1m": 90.0, "pause": null}},
      "series": {"waiting": 1, "routed": 7, "discarded": 2, "failed": 3},
      "targets": [
        {"name": "pacs", "type": "dicom", "state": "retrying", "waiting": 2, "in_flight": 1, "oldest_s": 3.2,
         "retrying": 1, "offpeak": 0, "instances_total": 80, "bytes_total": 4000, "rate_1m": 1.5, "bytes_1m": 90.0,
         "attempts_total": 9, "sent_total": 7, "failed_total": 1, "last_error": "refused"},
        {"name": "archive", "type": "folder", "state": "idle", "waiting": 0, "in_flight": 0, "oldest_s": null,
         "retrying": 0, "offpeak": 0, "instances_total": 0, "bytes_total": 0, "rate_1m": 0.0, "bytes_1m": 0.0,
         "attempts_total": 0, "sent_total": 0, "failed_total": 0, "last_error": null}],
      "storage": {"total_bytes": 1000, "free_bytes": 250, "reserve_bytes": 50, "used_percent": 75.0,
                  "held_series": 0, "held_in_the_way": 0,
                  "stages": {"incoming": 1, "success": 7}}})");
    nlohmann::json answer = pipeline_json(fixture.source, fixture.clock, fixture.system);
    CHECK(answer.at("server_time") == rfc3339(fixture.clock.wall_now()));
    answer["server_time"] = expected.at("server_time");
    CHECK(answer == expected);
}

TEST_CASE("Where the size of the disk is not known, no share of it is shown", "[http][status]") {
    StatusFixture fixture;
    CHECK(pipeline_json(fixture.source, fixture.clock, fixture.system).at("storage").at("used_percent").is_null());
}

TEST_CASE("The system's answer names version, build and appliance", "[http][status]") {
    StatusFixture fixture;
    const nlohmann::json system = system_json(fixture.clock, fixture.system);
    CHECK(system.at("version") == "1.2.3");
    CHECK(system.at("build") == "abc");
    CHECK(system.at("appliance") == "radiology");
    CHECK(system.at("uptime_s") == 0.0);
}
