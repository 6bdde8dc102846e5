#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

std::vector<std::string> ids(const ApiAnswer& answer) {
    std::vector<std::string> found;
    for (const json& item : answer.body.at("items")) found.push_back(item.at("id"));
    return found;
}

}  // namespace

TEST_CASE("Series are listed newest first, in pages that new ones do not disturb", "[http][api][series]") {
    HistoryApi api;
    for (int n = 0; n < 5; ++n) api.add_series(n);
    const auto first = api.get("/series?limit=2");
    CHECK(ids(first) == std::vector<std::string>{api.uid_of(4), api.uid_of(3)});
    CHECK(first.body.at("total").at("value") == 5);
    CHECK(first.body.at("total").at("exact") == true);
    api.add_series(9);
    const auto second = api.get("/series?limit=2&cursor=" + first.body.at("next_cursor").get<std::string>());
    CHECK(ids(second) == std::vector<std::string>{api.uid_of(2), api.uid_of(1)});
    const auto third = api.get("/series?limit=2&cursor=" + second.body.at("next_cursor").get<std::string>());
    CHECK(ids(third) == std::vector<std::string>{api.uid_of(0)});
    CHECK(third.body.at("next_cursor").is_null());
}

TEST_CASE("A list shows what its filters ask for", "[http][api][series]") {
    HistoryApi api;
    api.add_series(1, "CT");
    api.add_series(2, "MR", journal::SeriesStage::failed);
    api.add_series(3, "MR");
    struct Case {
        const char* query;
        std::vector<int> expected;
    };
    const Case cases[] = {
        {"?modality=MR", {3, 2}},
        {"?state=failed", {2}},
        {"?has_error=true", {2}},
        {"?has_error=false", {3, 2, 1}},
        {"?rule=other", {3, 2, 1}},
        {"?rule=oth", {}},
        {"?study_uid=9.1", {3, 2}},
        {"?since=2026-09-21T14:13:22.000Z", {3, 2}},
        {"?until=2026-09-21T14:13:22.000Z", {1}},
        {"?q=jane%202", {2}},
        {"?q=%202%20doe%20JANE", {2}},
        {"?q=doe%20acc-3", {3}},
        {"?q=doe%20z", {}},
        {"?q=doe%22%20OR%20%22jane", {}},
        {"?q=MRN-3", {3}},
        {"?q=acc-1", {1}},
        {"?q=1.2.0002", {2}},
        {"?q=chest_", {3, 2, 1}},
        {"?q=_", {3, 2, 1}},
        {"?q=2%25", {2}},
        {"?q=%25%25", {}},
        {"?q=nobody", {}},
        {"?modality=MR&q=MRN-1", {}},
    };
    for (const Case& one : cases) {
        INFO(one.query);
        std::vector<std::string> expected;
        for (const int n : one.expected) expected.push_back(api.uid_of(n));
        const auto answer = api.get(std::string("/series") + one.query);
        CHECK(answer.status == 200);
        CHECK(ids(answer) == expected);
        CHECK(answer.body.at("total").at("value") == expected.size());
        api.advance(std::chrono::seconds(1));
    }
}

TEST_CASE("Who may not see patients sees none, and finds none by searching", "[http][api][phi]") {
    HistoryApi api;
    api.add_series(7);
    journal::TaskUpdated task{api.clock.wall_now(), "task-7",
                              R"({"info":{"uid":"1.2.0007","uid_type":"series","patient_name":"Doe^Jane 7",
                                  "mrn":"MRN-7","acc":"ACC-7"}})"};
    journal::SeriesDecision decision{api.clock.wall_now(), api.uid_of(7), "task-7",
                                     R"({"triggered":["ct"],"rules":[{"rule":"ct","value":"'Doe^Jane 7'"}]})"};
    REQUIRE(api.journal->write({task, decision}).ok());
    const std::string series = "/series/" + api.uid_of(7);
    for (const std::string& target : {std::string("/series"), series, series + "/tags", series + "/trace",
                                      series + "/timeline", std::string("/tasks"), std::string("/tasks/task-7")}) {
        INFO(target);
        const auto masked = api.get_masked(target);
        CHECK(masked.status == 200);
        for (const char* secret : {"Doe", "MRN-7", "ACC-7"}) CHECK(masked.text.find(secret) == std::string::npos);
        const bool has_patient = target.find("timeline") == std::string::npos;
        CHECK((api.get(target).text.find("Doe") != std::string::npos) == has_patient);
    }
    CHECK(ids(api.get_masked("/series?q=Jane")).empty());
    CHECK(ids(api.get_masked("/series?q=MRN-7")).empty());
    CHECK(ids(api.get_masked("/series?q=ACC-7")).empty());
    CHECK(ids(api.get_masked("/series?q=-7")).empty());
    CHECK(ids(api.get_masked("/series?q=chest%20Jane")).empty());
    CHECK(ids(api.get_masked("/series?q=Chest")).size() == 1);
}

TEST_CASE("A series that nobody knows is not found, whatever its name", "[http][api][series]") {
    HistoryApi api;
    api.add_series(1);
    for (const char* id : {"1.2.3", "..%2F..%2Fetc%2Fpasswd", "%27%20OR%201=1", "%C3%28"}) {
        INFO(id);
        CHECK(api.get(std::string("/series/") + id).status == 404);
        CHECK(api.get(std::string("/series/") + id + "/tags").status == 404);
    }
}
