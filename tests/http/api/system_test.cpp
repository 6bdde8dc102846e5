#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("The pipeline's snapshot says which live events are newer than it", "[http][api][system]") {
    HistoryApi api;
    const auto before = api.get_masked("/pipeline").body;
    api.with_events([](EventHub& events) { events.publish("log", "log", {{"n", 1}}); });
    const auto after = api.get_masked("/pipeline").body;
    CHECK(after.at("seq") == before.at("seq").get<std::uint64_t>() + 1);
    CHECK(after.at("boot") == before.at("boot"));
}

TEST_CASE("The pipeline's snapshot counts what failed in the last day, by stage", "[http][api][system]") {
    HistoryApi api;
    const WallTime now = api.clock.wall_now();
    const auto fail = [&](const char* uid, const char* stage, std::chrono::hours ago) {
        const std::string task = std::string("task-") + uid;
        const nlohmann::json file = {{"info", {{"uid", uid}, {"uid_type", "series"}, {"fail_stage", stage}}}};
        REQUIRE(api.journal
                    ->write({journal::SeriesState{now - ago, uid, journal::SeriesStage::failed, "", "", "", 1, 1},
                             journal::TaskUpdated{now - ago, task, file.dump()}})
                    .ok());
    };
    fail("1.1", "PROCESSING", std::chrono::hours(1));
    fail("1.2", "DISPATCHING", std::chrono::hours(2));
    fail("1.3", "DISPATCHING", std::chrono::hours(30));
    const auto stages = api.get_masked("/pipeline").body.at("stages");
    CHECK(stages.at("receive").at("failed_24h") == 0);
    CHECK(stages.at("route").at("failed_24h") == 0);
    CHECK(stages.at("process").at("failed_24h") == 1);
    CHECK(stages.at("dispatch").at("failed_24h") == 1);
}
