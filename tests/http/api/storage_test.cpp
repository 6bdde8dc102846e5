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
