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
