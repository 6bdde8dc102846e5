#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// Three series, each with a task of which the pipeline knows.
struct ActionApi : HistoryApi {
    std::pair<std::string, std::string> operating = full_token(Role::operate, false);

    ActionApi() {
        for (int n = 0; n < 3; ++n) add_with_task(n);
    }
    void add_with_task(int n) {
        add_series(n, n == 2 ? "MR" : "CT");
        const std::string task = "task-" + std::to_string(n);
        const auto written = journal->write({journal::TaskRegistered{clock.wall_now(), task, "", uid_of(n)}});
        if (!written) throw std::runtime_error(written.error().message);
        control.tasks.push_back(task);
    }
    ApiAnswer act(const std::string& target, const json& body) { return call("POST", target, body, {operating}); }
};

}  // namespace

TEST_CASE("What is done to a series is done to its tasks", "[http][api][actions]") {
    ActionApi api;
    const json ids = {{"ids", {api.uid_of(0), "9.9.9"}}};
    const auto retried = api.act("/series/actions/retry", ids);
    CHECK(retried.status == 200);
    CHECK(retried.body.at("done") == 1);
    CHECK(retried.body.at("failed") == 1);
    CHECK(retried.body.at("results")[0].at("tasks") == json{"task-0"});
    CHECK(retried.body.at("results")[1].at("code") == "not_found");
    api.act("/series/actions/cancel", ids);
    api.act("/series/actions/prioritize", ids);
    api.act("/series/actions/delete", ids);
    api.act("/series/actions/resend", ids);
    CHECK(api.control.told == std::vector<std::string>{"send missing task-0", "cancel task-0", "put first task-0",
                                                       "remove task-0", "send all task-0"});
}

TEST_CASE("A task is sent to other targets as a new one", "[http][api][actions]") {
    ActionApi api;
    const auto sent = api.act("/tasks/actions/resend", {{"ids", {"task-1"}}, {"targets", {"pacs", "web"}}});
    CHECK(sent.body.at("results")[0].at("tasks") == json{"task-1-copy"});
    CHECK(api.control.told == std::vector<std::string>{"send to pacs+web task-1"});
}

TEST_CASE("A filter acts only on as many series as somebody saw", "[http][api][actions]") {
    ActionApi api;
    const json filter = {{"modality", "CT"}};
    CHECK(api.act("/series/actions/retry", {{"filter", filter}}).status == 422);
    const auto moved = api.act("/series/actions/retry", {{"filter", filter}, {"expected_count", 3}});
    CHECK(moved.status == 409);
    CHECK(moved.body.at("count") == 2);
    CHECK(api.act("/series/actions/retry", {{"filter", filter}, {"expected_count", 2}}).body.at("done") == 2);
    // Who may not see names does not choose by them either.
    const auto by_name = api.act("/series/actions/retry", {{"filter", {{"q", "Doe"}}}, {"expected_count", 3}});
    CHECK(by_name.body.at("count") == 0);
    CHECK(api.act("/series/actions/retry", json::object()).status == 422);
    CHECK(api.act("/series/actions/retry", {{"ids", json::array()}}).status == 422);
}

TEST_CASE("Many at once become an operation", "[http][api][actions]") {
    ActionApi api;
    json ids = json::array();
    for (int n = 3; n < 20; ++n) {
        api.add_with_task(n);
        ids.push_back(api.uid_of(n));
    }
    const auto begun = api.act("/series/actions/retry", {{"ids", ids}});
    CHECK(begun.status == 202);
    const json ended = api.end_of(begun, api.operating);
    CHECK(ended.at("progress").at("done") == 17);
    CHECK(ended.at("result").at("done") == 17);
}

TEST_CASE("The audit says what an action was done to", "[http][api][actions]") {
    ActionApi api;
    api.act("/tasks/actions/delete", {{"ids", {"task-1", "task-2"}}});
    const auto audit = api.call("GET", "/audit?action=deleteTasks", nullptr, {api.with_patients});
    CHECK(audit.body.at("items")[0].at("object") == "/tasks/actions/delete task-1, task-2");
}

TEST_CASE("A retry begins where it is told to, and nowhere else", "[http][api][actions]") {
    ActionApi api;
    const json ids = {api.uid_of(1)};
    for (const char* from : {"failed", "process", "dispatch", "start"}) {
        const auto retried = api.act("/series/actions/retry", {{"ids", ids}, {"from", from}});
        CHECK(retried.body.at("done") == 1);
    }
    CHECK(api.control.told == std::vector<std::string>{"send missing task-1", "process task-1", "deliver task-1",
                                                       "route by all 1.2.0001 of 9.0: task-1"});
    CHECK(api.act("/series/actions/retry", {{"ids", ids}, {"from", "middle"}}).status == 422);
    CHECK(api.act("/tasks/actions/retry", {{"ids", {"task-1"}}, {"from", "process"}}).body.at("done") == 1);
    // A task may hold several series, which go different ways from the start.
    CHECK(api.act("/tasks/actions/retry", {{"ids", {"task-1"}}, {"from", "start"}}).status == 422);
}

TEST_CASE("A series is routed again by one rule", "[http][api][actions]") {
    ActionApi api;
    const auto routed = api.act("/series/actions/reroute", {{"ids", {api.uid_of(0), "9.9.9"}}, {"rule", "mr"}});
    CHECK(routed.body.at("results")[0].at("tasks") == json{"task-again"});
    CHECK(routed.body.at("results")[1].at("code") == "not_found");
    CHECK(api.control.told == std::vector<std::string>{"route by mr 1.2.0000 of 9.0: task-0"});
    CHECK(api.act("/series/actions/reroute", {{"ids", {api.uid_of(0)}}}).status == 422);
    CHECK(api.act("/series/actions/reroute", {{"ids", {api.uid_of(0)}}, {"rule", ""}}).status == 422);
    CHECK(api.act("/tasks/actions/reroute", {{"ids", {"task-0"}}, {"rule", "mr"}}).status == 404);
}

TEST_CASE("A held series shows who holds it, is found by that, and expires again when it is released",
          "[http][api][actions]") {
    ActionApi api;
    const std::string uid = api.uid_of(1);
    const auto shown = [&] { return api.get("/series/" + uid).body.at("retention"); };
    CHECK(shown().at("held") == false);
    const json expires = shown().at("expires_at");
    CHECK(expires.is_string());
    CHECK(api.act("/series/actions/hold", {{"ids", {uid, "9.9.9"}}}).body.at("done") == 1);
    CHECK(shown().at("held") == true);
    CHECK(shown().at("held_by") == "operator");
    CHECK(shown().at("expires_at").is_null());
    const auto held = api.get("/series?held=true");
    REQUIRE(held.body.at("items").size() == 1);
    CHECK(held.body.at("items")[0].at("id") == uid);
    CHECK(api.get("/series?held=false").body.at("items").size() == 3);
    const json counted = {{"filter", {{"held", true}}}, {"expected_count", 1}};
    CHECK(api.act("/series/actions/release", counted).body.at("done") == 1);
    api.control.held = std::make_shared<Holds>();
    CHECK(shown().at("held") == false);
    CHECK(shown().at("expires_at") == expires);
    CHECK(api.get("/series?held=true").body.at("items").empty());
}
