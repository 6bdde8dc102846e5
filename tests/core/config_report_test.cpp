#include "quicksilver/core/config_report.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"

#include <algorithm>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

LoadedConfig load_with(std::string_view text, Environment environment, std::vector<std::string> set) {
    ConfigSources sources = plain_sources();
    sources.environment = std::move(environment);
    sources.set = std::move(set);
    return load_config_text(text, sources);
}

/// `value (origin)` of one setting as it is shown.
std::string shown(const LoadedConfig& loaded, const std::string& key) {
    for (const auto& setting : config_show_json(loaded)) {
        if (setting["key"] == key) return setting["value"].dump() + " (" + setting["origin"].get<std::string>() + ")";
    }
    return "absent";
}

}  // namespace

TEST_CASE("config check lists the worst first and ends with the verdict", "[config]") {
    const auto bad = load_text(R"({"retension": 1, "router_scan_interval": 9, "port": "x"})");
    CHECK(config_check_text(bad, "m.json") ==
          "error: port: \"x\" is not a port (1–65535, or 0 for a free one)\n"
          "warning: retension: no such setting; did you mean retention?\n"
          "note: router_scan_interval: has no effect: work starts when it arrives, nothing is polled\n"
          "m.json: cannot run (1 error, 1 warning, 1 note)\n");
    CHECK(config_check_text(load_text("{}"), "m.json") == "m.json: can run (0 errors, 0 warnings, 0 notes)\n");
}

TEST_CASE("config check --json has the same for programs", "[config]") {
    const auto report = config_check_json(load_text(R"({"retension": 1, "retry_max": "x"})"), "m.json");
    CHECK(report == nlohmann::ordered_json::parse(R"json({
        "file": "m.json",
        "ok": false,
        "errors": [{"path": "retry_max", "message": "\"x\" is not a number"}],
        "warnings": [{"path": "retension", "message": "no such setting; did you mean retention?"}],
        "notes": []})json"));
}

TEST_CASE("config show tells where each value comes from", "[config]") {
    const auto loaded =
        load_with(R"({"port": 1, "dicom": {"ae_title": "FILE"}, "features": {"a": true}, "own": {"x": 1},
                                      "rules": {"r": {"action": "discard"}}, "retention": null})",
                  {{"QUICKSILVER_HTTP__PORT", "2"}, {"QUICKSILVER_RETRY_MAX", "3"}},
                  {"dicom.max_pdu=8192", "retry_max=4", R"(modules={"m": {"docker_tag": "t"}})"});
    REQUIRE(loaded.ok());
    CHECK(shown(loaded, "port") == "1 (file)");
    CHECK(shown(loaded, "dicom.ae_title") == "\"FILE\" (file)");
    CHECK(shown(loaded, "dicom.address") == "\"0.0.0.0\" (default)");
    CHECK(shown(loaded, "dicom.max_pdu") == "8192 (command line)");
    CHECK(shown(loaded, "http.port") == "2 (environment)");
    CHECK(shown(loaded, "retry_max") == "4 (command line)");
    CHECK(shown(loaded, "retention") == "259200 (default)");
    CHECK(shown(loaded, "features.a") == "true (file)");
    CHECK(shown(loaded, "own.x") == "1 (file)");
    CHECK(shown(loaded, "rules.r.action") == "\"discard\" (file)");
    CHECK(shown(loaded, "rules.r.priority") == "\"normal\" (default)");
    CHECK(shown(loaded, "modules.m.docker_tag") == "\"t\" (command line)");
    CHECK(shown(loaded, "incoming_folder") == "\"/data/incoming\" (default)");
    CHECK(config_show_text(loaded).find("http.port = 2    (environment)\n") != std::string::npos);
}

TEST_CASE("What is shown has no secret in it", "[config]") {
    const auto loaded = load_text(rich_mercure_json());
    REQUIRE(loaded.ok());
    const std::string text = config_show_text(loaded);
    CHECK(text.find("-secret") == std::string::npos);
    CHECK(shown(loaded, "targets.nas.password") == "\"********\" (file)");
    CHECK(shown(loaded, "targets.mirror.password") == "\"\" (default)");
    CHECK(shown(loaded, "modules.anon.environment.MODE") == "\"strict\" (file)");
    CHECK(shown(loaded, "modules.anon.environment.API_TOKEN") == "\"********\" (file)");

    const std::string source = masked_config(loaded.source).dump();
    CHECK(source.find("-secret") == std::string::npos);
    CHECK(source.find("strict") != std::string::npos);
}

TEST_CASE("Secrets are masked wherever they hide", "[config]") {
    const auto masked = [](const char* json) { return masked_config(nlohmann::ordered_json::parse(json)).dump(); };
    CHECK(masked(R"({"influxdb_token":"x"})") == R"({"influxdb_token":"********"})");
    CHECK(masked(R"({"influxdb_token":""})") == R"({"influxdb_token":""})");
    CHECK(masked(R"({"influxdb_token":{"file":"/run/secrets/x"}})") ==
          R"({"influxdb_token":{"file":"/run/secrets/x"}})");
    CHECK(masked(R"({"targets":{"t":{"target_type":"xnat","password":"x","passwrod":"y","password2":"z"}}})") ==
          R"({"targets":{"t":{"target_type":"xnat","password":"********","passwrod":"y","password2":"********"}}})");
    CHECK(masked(R"({"targets":{"t":{"secret_access_key":"x"}}})") ==
          R"({"targets":{"t":{"secret_access_key":"********"}}})");
    CHECK(masked(R"({"targets":{"t":{"url":"https://u:p@h/x?a=b:c@d"}}})") ==
          R"({"targets":{"t":{"url":"https://u:********@h/x?a=b:c@d"}}})");
    CHECK(masked(R"({"targets":{"t":{"url":"https://h:8080/x@y"}}})") ==
          R"({"targets":{"t":{"url":"https://h:8080/x@y"}}})");
    CHECK(masked(R"({"rules":{"r":{"processing_settings":[{"db_password":"x"}]}}})") ==
          R"({"rules":{"r":{"processing_settings":[{"db_password":"********"}]}}})");
    CHECK(masked(R"({"modules":{"m":{"environment":"{\"PASSWORD\":\"x\"}"}}})") ==
          R"({"modules":{"m":{"environment":"{\"PASSWORD\":\"********\"}"}}})");
}
