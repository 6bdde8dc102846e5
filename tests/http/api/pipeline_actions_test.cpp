#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("An operator pauses and resumes a stage", "[http][api][actions]") {
    ApiFixture api;
    const auto who = api.full_token(Role::operate, false);
    CHECK(api.call("POST", "/pipeline/stages/dispatch/actions/pause", nullptr, {who}).status == 204);
    CHECK(api.call("POST", "/pipeline/stages/process/actions/resume", nullptr, {who}).status == 204);
    CHECK(api.call("POST", "/pipeline/stages/cleaner/actions/pause", nullptr, {who}).status == 404);
    CHECK(api.control.told == std::vector<std::string>{"pause dispatch", "resume process"});
    const auto audit = api.call("GET", "/audit?action=pauseStage", nullptr, {api.full_token(Role::admin, false)});
    CHECK(audit.body.at("items")[0].at("object") == "/pipeline/stages/dispatch/actions/pause");
}

TEST_CASE("A pause says why and until when", "[http][api][actions]") {
    ApiFixture api;
    const auto who = api.full_token(Role::operate, false);
    const auto pause = [&](const nlohmann::json& body) {
        return api.call("POST", "/pipeline/stages/receive/actions/pause", body, {who}).status;
    };
    const std::string soon = rfc3339(api.clock.wall_now() + std::chrono::hours(1));
    CHECK(pause({{"reason", "new disk"}, {"until", soon}}) == 204);
    const PauseOrder& order = api.control.orders.at(0);
    CHECK(order.reason == "new disk");
    CHECK(order.user == "operator");
    CHECK(rfc3339(order.until.value()) == soon);
    CHECK(pause({{"until", "tomorrow"}}) == 422);
    CHECK(pause({{"until", rfc3339(api.clock.wall_now() - std::chrono::hours(1))}}) == 422);
    CHECK(pause({{"untill", soon}}) == 422);
    CHECK(api.control.orders.size() == 1);
}

TEST_CASE("A study that is not there cannot be completed", "[http][api][actions]") {
    ApiFixture api;
    const auto who = api.full_token(Role::operate, false);
    CollectedStudyView study;
    study.id = "1.2#brain";
    study.task = {{"info", {{"patient_name", "Doe"}}}};
    api.control.collected.push_back(study);
    CHECK(api.call("POST", "/studies/1.2%23brain/actions/complete", nullptr, {who}).status == 204);
    CHECK(api.call("POST", "/studies/..%2F..%2Fetc/actions/discard", nullptr, {who}).status == 404);
    CHECK(api.control.told == std::vector<std::string>{"complete 1.2#brain", "discard ../../etc"});
    CHECK(api.call("GET", "/studies", nullptr, {who}).body.at("items").size() == 1);
    CHECK(api.call("GET", "/studies/1.2%23brain", nullptr, {who}).text.find("Doe") == std::string::npos);
}
