#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

#include <filesystem>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

TEST_CASE("The order of the rules is changed as a whole", "[http][api][config]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const std::string etag = api.call("GET", "/rules", nullptr, {admin}).headers.at("etag");
    const auto put = [&](const nlohmann::json& names) {
        return api.call("PUT", "/rules/order", {{"names", names}}, {admin, {"If-Match", etag}});
    };
    CHECK(put({"mr"}).status == 422);
    CHECK(put({"mr", "mr"}).status == 422);
    CHECK(put({"mr", "ct", "x"}).status == 422);
    CHECK(put({"mr", "ct"}).status == 200);
    CHECK(api.config->snapshot()->rules[0].name == "mr");
    CHECK(put({"ct", "mr"}).status == 412);
}

TEST_CASE("A rule tells how often it matched in the last day, and when last", "[http][api][rules]") {
    HistoryApi api;
    const auto matched = [&](int number, std::chrono::seconds ago, const std::string& rules) {
        const WallTime time = api.clock.wall_now() - ago;
        const journal::SeriesState state{time, api.uid_of(number), journal::SeriesStage::done, "sent", rules, "t", 1,
                                         1};
        CHECK(api.journal->write({state}));
    };
    const std::string old_match = rfc3339(api.clock.wall_now() - std::chrono::hours(30));
    matched(1, std::chrono::hours(30), "mr");
    matched(2, std::chrono::hours(3), "ct, other");
    matched(3, std::chrono::hours(1), "other, ct");
    matched(4, std::chrono::minutes(1), "other, ct2");
    const json items = api.get("/rules").body.at("items");
    CHECK(items[0].at("statistics") ==
          json{{"matches_24h", 2}, {"last_match_at", rfc3339(api.clock.wall_now() - std::chrono::hours(1))}});
    CHECK(items[1].at("statistics") == json{{"matches_24h", 0}, {"last_match_at", old_match}});
    const auto one = api.get("/rules/mr");
    CHECK(one.body.at("statistics") == items[1].at("statistics"));
    const auto put = api.call("PUT", "/rules/mr", one.body, {api.with_patients, {"If-Match", one.headers.at("etag")}});
    CHECK(put.status == 200);
    CHECK_FALSE(json::parse(read_file(api.sources.file)).at("rules").at("mr").contains("statistics"));
}

TEST_CASE("Rules are shown while the database with their statistics cannot be used", "[http][api][rules]") {
    HistoryApi api;
    api.journal.reset();
    std::filesystem::remove(api.folder / "quicksilver.sqlite");
    const auto rules = api.get("/rules");
    CHECK(rules.status == 200);
    CHECK(rules.body.at("items")[0].at("statistics").is_null());
    CHECK(api.get("/modules/bone").body.at("statistics").is_null());
}
