#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What would be cleaned up is shown before it is", "[http][api][storage]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    api.control.to_clean = {{"success", "t1", WallTime(), 100, ""},
                            {"discard", "t2", WallTime(), 50, "in use"},
                            {"success", "t3", WallTime(), 25, "", true}};
    const auto preview = api.call("POST", "/storage/clean?dry_run=true", nullptr, {admin});
    CHECK(preview.body.at("bytes") == 100);
    CHECK(preview.body.at("items").size() == 3);
    CHECK(preview.body.at("items")[2].at("held") == true);
    CHECK(api.call("POST", "/storage/clean", nullptr, {admin}).status == 200);
    CHECK(api.control.told == std::vector<std::string>{"preview", "clean"});
    CHECK(api.call("POST", "/storage/clean", nullptr, {api.full_token(Role::operate, false)}).status == 403);
}

TEST_CASE("The forecast knows what came in the last week", "[http][api][storage]") {
    HistoryApi api;
    const WallTime yesterday = api.clock.wall_now() - std::chrono::hours(30);
    CHECK(api.journal->write(
        {journal::SeriesState{yesterday, "1.2.3", journal::SeriesStage::done, "", "", "", 2, 6000}}));
    const auto seen = api.get_masked("/storage/forecast").body;
    CHECK(seen.at("busiest_day_bytes") == 6000);
    CHECK(seen.at("received_per_day_bytes") == 3000);
}

TEST_CASE("The storage says whose files go next", "[http][api][storage]") {
    HistoryApi api;
    const WallTime now = api.clock.wall_now();
    const auto add = [&](const char* uid, int hours, journal::SeriesStage state) {
        REQUIRE(
            api.journal->write({journal::SeriesState{now - std::chrono::hours(hours), uid, state, "", "", "", 1, 1}})
                .ok());
    };
    add("1.1", 100, journal::SeriesStage::done);  // longer ago than files are kept
    add("1.2", 50, journal::SeriesStage::done);
    add("1.3", 60, journal::SeriesStage::discarded);
    add("1.4", 40, journal::SeriesStage::failed);
    add("1.5", 55, journal::SeriesStage::done);
    auto holds = std::make_shared<Holds>();
    holds->insert_or_assign("1.5", Hold{"anna", "2026-11-22T10:00:00.000Z"});
    api.control.held = holds;
    const auto next = api.get_masked("/storage").body.at("next_to_go");
    REQUIRE(next.size() == 2);
    CHECK(next[0].at("series") == "1.3");
    CHECK(next[0].at("expires_at") == rfc3339(now + std::chrono::hours(12)));
    CHECK(next[1].at("series") == "1.2");
}
