#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("The log is read in pages, by level and text", "[http][api][log]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    const Log log(api.recent_log, "test");
    log.info("series sent", kv("series", "1.2.3"));
    log.error("target refused", kv("target", "pacs"));
    const auto all = api.call("GET", "/log?limit=1&component=test", nullptr, {viewer});
    CHECK(all.body.at("items")[0].at("message") == "target refused");
    CHECK(all.body.at("items")[0].at("fields").at("target") == "pacs");
    const std::string cursor = all.body.at("next_cursor");
    const auto more = api.call("GET", "/log?limit=1&component=test&cursor=" + cursor, nullptr, {viewer});
    CHECK(more.body.at("items")[0].at("message") == "series sent");
    CHECK(api.call("GET", "/log?level=error&component=test", nullptr, {viewer}).body.at("items").size() == 1);
    CHECK(api.call("GET", "/log?q=1.2.3", nullptr, {viewer}).body.at("items").size() == 1);
    const auto count = [&](const std::string& query) {
        return api.call("GET", "/log?component=test&limit=1&" + query, nullptr, {viewer}).body.at("items").size();
    };
    CHECK(count("series=1.2.3") == 1);
    CHECK(count("series=1.2") == 0);
    const std::string time = all.body.at("items")[0].at("time");
    CHECK(count("from=" + time) == 1);
    CHECK(count("from=2100-01-01T00:00:00Z") == 0);
    CHECK(count("from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z") == 1);
    CHECK(count("to=2000-01-01T00:00:00Z") == 0);
    CHECK(api.call("GET", "/log?from=yesterday", nullptr, {viewer}).status == 422);
    CHECK(api.call("GET", "/log?level=loud", nullptr, {viewer}).status == 422);
}
