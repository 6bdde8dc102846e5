#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct TaskApi : HistoryApi {
    TaskApi() {
        for (int n = 0; n < 5; ++n) {
            const WallTime time(std::chrono::seconds(1'790'000'000 + n));
            if (!journal->write({journal::TaskRegistered{time, fmt::format("t{}", n), "", uid_of(n % 2)}})) {
                throw std::runtime_error("cannot write");
            }
        }
    }
    /// The ids of a page, and the page.
    std::pair<std::string, json> page(const std::string& query, const json& cursor = nullptr) {
        const std::string at = cursor.is_null() ? "" : "&cursor=" + cursor.get<std::string>();
        json body = get("/tasks?limit=2" + query + at).body;
        std::string ids;
        for (const json& item : body.at("items")) ids += item.at("id").get<std::string>();
        return {ids, body};
    }
};

}  // namespace

TEST_CASE("Tasks are listed in pages, forwards and backwards, newest or oldest first", "[http][api][tasks]") {
    TaskApi api;
    const auto [first, at_first] = api.page("");
    CHECK(first == "t4t3");
    CHECK(at_first.at("prev_cursor").is_null());
    CHECK(at_first.at("total") == json{{"value", 5}, {"exact", true}});
    const auto [second, at_second] = api.page("", at_first.at("next_cursor"));
    CHECK(second == "t2t1");
    const auto [third, at_third] = api.page("", at_second.at("next_cursor"));
    CHECK(third == "t0");
    CHECK(at_third.at("next_cursor").is_null());
    const auto [back, at_back] = api.page("", at_third.at("prev_cursor"));
    CHECK(back == "t2t1");
    const auto [begin, at_begin] = api.page("", at_back.at("prev_cursor"));
    CHECK(begin == "t4t3");
    CHECK(at_begin.at("prev_cursor").is_null());
    const auto [oldest, at_oldest] = api.page("&sort=time");
    CHECK(oldest == "t0t1");
    CHECK(api.page("&sort=time", at_oldest.at("next_cursor")).first == "t2t3");
    CHECK(api.get("/tasks?cursor=" + at_oldest.at("next_cursor").get<std::string>()).status == 400);
    CHECK(api.page("&series=" + api.uid_of(1)).second.at("total").at("value") == 2);
}

TEST_CASE("The audit is read in pages, forwards and backwards", "[http][api][audit]") {
    TaskApi api;
    for (int n = 0; n < 3; ++n) {
        api.call("POST", "/tasks/actions/cancel", {{"ids", {"t" + std::to_string(n)}}}, {api.with_patients});
    }
    const auto page = [&](const std::string& cursor) {
        const std::string at = cursor.empty() ? "" : "&cursor=" + cursor;
        return api.get("/audit?action=cancelTasks&limit=1" + at).body;
    };
    const json first = page("");
    CHECK(first.at("total") == json{{"value", 3}, {"exact", true}});
    CHECK(first.at("prev_cursor").is_null());
    const json second = page(first.at("next_cursor"));
    CHECK(second.at("items")[0].at("object") == "/tasks/actions/cancel t1");
    const json back = page(second.at("prev_cursor"));
    CHECK(back.at("items") == first.at("items"));
    CHECK(back.at("prev_cursor").is_null());
    CHECK(page(page(second.at("next_cursor")).at("prev_cursor")).at("items") == second.at("items"));
}
