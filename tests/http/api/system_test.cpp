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

TEST_CASE("The pipeline's snapshot says who has sent, and who is silent for too long", "[http][api][system]") {
    HistoryApi api;
    for (const char* ae : {"CT1", "MR1"}) {
        const bool is_first = ae == std::string("CT1");
        journal::SeriesRegistered series{api.clock.wall_now() - std::chrono::hours(is_first ? 2 : 1), ae, {}};
        series.tags.add("SenderAET", ae);
        series.tags.add("SenderAddress", "10.0.0.1");
        REQUIRE(api.journal->write({series}).ok());
    }
    const auto who = api.full_token(Role::operate, false);
    CHECK(api.call("PATCH", "/sources/CT1%4010.0.0.1", {{"expected_gap_s", 3600}}, {who}).status == 200);
    const auto sources = api.get_masked("/pipeline").body.at("sources");
    REQUIRE(sources.size() == 2);
    CHECK(sources[0].at("id") == "MR1@10.0.0.1");
    CHECK(sources[0].at("overdue") == false);
    CHECK(sources[1].at("overdue") == true);
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
