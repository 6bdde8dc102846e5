#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("Settings are changed without touching rules, targets and modules", "[http][api][config]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto shown = api.call("GET", "/settings", nullptr, {admin});
    CHECK_FALSE(shown.body.contains("rules"));
    CHECK(shown.body.at("bookkeeper_api_key").at("set") == true);
    const std::string etag = shown.headers.at("etag");
    const auto patch = [&](const nlohmann::json& body) {
        return api.call("PATCH", "/settings", body, {admin, {"If-Match", etag}});
    };
    CHECK(patch({{"rules", nlohmann::json::object()}}).status == 422);
    CHECK(patch({{"retenton", 5}}).status == 422);
    CHECK(patch({{"retention", "soon"}}).status == 422);
    CHECK(patch({{"retention", 86400}, {"http", {{"port", 8001}}}}).status == 200);
    const auto config = api.config->loaded().source;
    CHECK(config.at("retention") == 86400);
    CHECK(config.at("bookkeeper_api_key") == "hidden two");
    CHECK(config.at("rules").size() == 2);
    const auto rule = api.call("GET", "/rules/ct", nullptr, {admin});
    CHECK(rule.headers.at("etag").starts_with("\"r1-rule-ct;"));
}

TEST_CASE("A secret among the settings is cleared with null", "[http][api][config]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto etag = api.call("GET", "/settings", nullptr, {admin}).headers.at("etag");
    const auto answer = api.call("PATCH", "/settings", {{"bookkeeper_api_key", nullptr}}, {admin, {"If-Match", etag}});
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.body.contains("bookkeeper_api_key"));
    CHECK_FALSE(api.config->loaded().source.contains("bookkeeper_api_key"));
}
