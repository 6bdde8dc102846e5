#include "http/api/series_list.hpp"

#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

std::string ids_of(const json& page) {
    std::string ids;
    for (const json& item : page.at("items")) ids += item.at("id").get<std::string>().substr(7) + " ";
    return ids;
}

}  // namespace

TEST_CASE("Pages are gone through forth and back", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 5; ++n) api.add_series(n);
    const std::string list = GENERATE("/series?limit=2", "/series?limit=2&sort=received_at");
    const bool oldest_first = list.find("sort") != std::string::npos;
    const std::vector<std::string> pages =
        oldest_first ? std::vector<std::string>{"0 1 ", "2 3 ", "4 "} : std::vector<std::string>{"4 3 ", "2 1 ", "0 "};
    const auto go = [&](const json& page, const char* way) {
        return api.get(list + "&cursor=" + page.at(way).get<std::string>()).body;
    };
    const json first = api.get(list).body;
    CHECK(ids_of(first) == pages[0]);
    CHECK(first.at("prev_cursor").is_null());
    const json second = go(first, "next_cursor");
    CHECK(ids_of(second) == pages[1]);
    const json third = go(second, "next_cursor");
    CHECK(ids_of(third) == pages[2]);
    CHECK(third.at("next_cursor").is_null());
    const json second_again = go(third, "prev_cursor");
    CHECK(ids_of(second_again) == pages[1]);
    const json first_again = go(second_again, "prev_cursor");
    CHECK(ids_of(first_again) == pages[0]);
    CHECK(first_again.at("prev_cursor").is_null());
    CHECK(ids_of(go(first_again, "next_cursor")) == pages[1]);
    CHECK(first.at("total") == json{{"value", 5}, {"exact", true}});
}

TEST_CASE("A cursor is good for one order only", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 3; ++n) api.add_series(n);
    const std::string cursor = api.get("/series?limit=1").body.at("next_cursor");
    CHECK(api.get("/series?limit=1&sort=received_at&cursor=" + cursor).status == 400);
}

TEST_CASE("Series are found by the target that they went to", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 2; ++n) api.add_series(n);
    CHECK(api.journal->write(
        {journal::TaskRegistered{api.clock.wall_now(), "t1", "", api.uid_of(1)},
         journal::TaskEvent{api.clock.wall_now(), "t1", "d", TaskEventType::dispatch_begin, 1, "pacs", ""}}));
    CHECK(ids_of(api.get("/series?target=pacs").body) == "1 ");
    CHECK(ids_of(api.get("/series?target=other").body).empty());
}

TEST_CASE("All series of a study have its task, its deliveries and its modules", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 4; ++n) api.add_series(n);  // 2 and 3 are of the study 9.1
    const WallTime now = api.clock.wall_now();
    const json task = {{"info", {{"uid", "9.1"}, {"uid_type", "study"}, {"fail_stage", "PROCESSING"}}},
                       {"study", {{"received_series_uid", {api.uid_of(2), api.uid_of(3)}}}}};
    const auto event = [&](TaskEventType type, const char* target) {
        return journal::TaskEvent{now, "study-task", "x", type, 1, target, ""};
    };
    REQUIRE(api.journal
                ->write({journal::TaskRegistered{now, "study-task", "", api.uid_of(2)},
                         journal::TaskUpdated{now, "study-task", task.dump()},
                         event(TaskEventType::process_module_begin, "bone"),
                         event(TaskEventType::process_module_complete, "bone"),
                         event(TaskEventType::dispatch_begin, "pacs"), event(TaskEventType::dispatch_complete, "pacs"),
                         journal::SeriesState{now, api.uid_of(3), journal::SeriesStage::failed, "", "", "", 0, 0}})
                .ok());
    for (const int n : {2, 3}) {
        const json items = api.get("/series/" + api.uid_of(n) + "/timeline").body.at("items");
        REQUIRE(items.size() == 2);
        CHECK(items[0].at("name") == "bone");
        CHECK(items[1].at("name") == "pacs");
        CHECK(api.get("/tasks?series=" + api.uid_of(n)).body.at("total").at("value") == 1);
    }
    CHECK(ids_of(api.get("/series?target=pacs").body) == "3 2 ");
    CHECK(ids_of(api.get("/series?module=bone").body) == "3 2 ");
    CHECK(ids_of(api.get("/series?stage=process").body) == "3 ");
    CHECK(api.get("/series/" + api.uid_of(1) + "/timeline").body.at("items").empty());
}

TEST_CASE("A time bounds a list whether it has a fraction or not", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 3; ++n) api.add_series(n);
    const auto at = [](int second) {
        const std::string time = rfc3339(WallTime(std::chrono::seconds(1'790'000'000 + second)));
        return time.substr(0, time.size() - 5) + "Z";
    };
    CHECK(ids_of(api.get("/series?since=" + at(1)).body) == "2 1 ");
    CHECK(ids_of(api.get("/series?until=" + at(1)).body) == "0 ");
    CHECK(ids_of(api.get("/series?since=" + at(1) + "&until=" + at(2)).body) == "1 ");
    for (const char* wrong : {"yesterday", "2026-11-22", "2026-11-22T10:00:00%2B01:00", "2026-13-22T10:00:00Z"}) {
        const auto refused = api.get(std::string("/series?since=") + wrong);
        CHECK(refused.status == 422);
        CHECK(refused.text.find("2026-11-22T10:00:00Z") != std::string::npos);
    }
    const json filter = {{"filter", {{"until", "soon"}}}, {"expected_count", 0}};
    CHECK(api.call("POST", "/series/actions/hold", filter, {api.with_patients}).status == 422);
}
