#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

void know(ApiFixture& api, const std::string& name) {
    TargetStatus target;
    target.name = name;
    target.type = "dicom";
    api.status.status.targets.push_back(target);
}

}  // namespace

TEST_CASE("A target is tested step by step", "[http][api][targets]") {
    ApiFixture api;
    know(api, "pacs");
    const auto who = api.full_token(Role::operate, false);
    api.control.steps.push_back({"tcp", false, std::chrono::milliseconds(9), "refused", "Is it running?"});
    const auto begun = api.call("POST", "/targets/pacs/test", nullptr, {who});
    const json ended = api.end_of(begun, who);
    CHECK(ended.at("result").at("ok") == false);
    CHECK(ended.at("steps") == ended.at("result").at("steps"));
    CHECK(ended.at("steps")[1] ==
          json{{"name", "tcp"}, {"ok", false}, {"ms", 9}, {"detail", "refused"}, {"hint", "Is it running?"}});
    CHECK(api.call("POST", "/targets/other/test", nullptr, {who}).status == 404);
}

TEST_CASE("The test of a target ends when its owner does not want it any more", "[http][api][targets]") {
    ApiFixture api;
    know(api, "pacs");
    api.control.test_goes_on = true;
    const auto admin = api.full_token(Role::admin, false);
    const json draft = {{"name", "new"}, {"target_type", "dicom"}, {"ip", "10.0.0.9"}, {"port", "104"}};
    const auto end = [&](const ApiAnswer& begun) {
        REQUIRE(begun.status == 202);
        const std::string operation = "/operations/" + begun.body.at("id").get<std::string>();
        CHECK(api.call("DELETE", operation, nullptr, {admin}).status == 204);
        CHECK(api.end_of(begun, admin).at("state") == "cancelled");
    };
    end(api.call("POST", "/targets/pacs/test", nullptr, {admin}));
    end(api.call("POST", "/targets/test", draft, {admin}));
}

TEST_CASE("A target is tested before it is saved", "[http][api][targets]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const json draft = {
        {"name", "new"}, {"target_type", "dicom"}, {"ip", "10.0.0.9"}, {"port", "104"}, {"aet_target", "NEW"}};
    CHECK(api.end_of(api.call("POST", "/targets/test", draft, {admin}), admin).at("result").at("ok") == true);
    CHECK(api.control.unsaved.at("ip") == "10.0.0.9");
    CHECK(api.call("GET", "/targets/new", nullptr, {admin}).status == 404);
    const json wrong = {{"name", "new"}, {"target_type", "dicom"}, {"ip", "10.0.0.9"}, {"port", "99999"}};
    const auto refused = api.call("POST", "/targets/test", wrong, {admin});
    CHECK(refused.status == 422);
    CHECK(refused.body.at("errors")[0].at("pointer") == "/port");
}

TEST_CASE("Only who may change a target has its password tried at another address", "[http][api][targets]") {
    ApiFixture api;
    const json draft = {{"name", "web"}, {"target_type", "dicomweb"}, {"url", "http://elsewhere"}, {"http_user", "u"}};
    const auto admin = api.full_token(Role::admin, false);
    api.end_of(api.call("POST", "/targets/test", draft, {admin}), admin);
    CHECK(api.control.unsaved.at("http_password") == "hidden one");
    const auto operating = api.full_token(Role::operate, false);
    api.end_of(api.call("POST", "/targets/test", draft, {operating}), operating);
    CHECK_FALSE(api.control.unsaved.contains("http_password"));
}

TEST_CASE("Only who may change targets has the server use its files for an unsaved one", "[http][api][targets]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto operating = api.full_token(Role::operate, false);
    const json ssh = {{"target_type", "sftp"}, {"host", "10.0.0.9"}, {"user", "u"}, {"folder", "x"}, {"password", "p"}};
    const auto with = [&ssh](const char* key, const json& value) {
        json draft = ssh;
        draft[key] = value;
        return draft;
    };
    const json drafts[] = {
        with("known_hosts", "/etc/cron.d/x"),
        with("private_key", "/srv/key"),
        with("password", {{"file", "/etc/hostname"}}),
        with("password", {{"env", "PATH"}}),
        {{"target_type", "folder"}, {"folder", "/etc"}},
        {{"target_type", "dicomweb"}, {"url", "file:///etc"}},
    };
    for (const json& draft : drafts) {
        CAPTURE(draft.dump());
        CHECK(api.call("POST", "/targets/test", draft, {operating}).status == 403);
        CHECK(api.call("POST", "/targets/test", draft, {admin}).status == 202);
    }
    json untyped = drafts[4];
    untyped.erase("target_type");
    CHECK(api.call("POST", "/targets/test", untyped, {operating}).status == 422);
    CHECK(api.call("POST", "/targets/test", ssh, {operating}).status == 202);
}

TEST_CASE("An operator pauses, drains and resumes a target", "[http][api][targets]") {
    ApiFixture api;
    const auto who = api.full_token(Role::operate, false);
    for (const char* verb : {"pause", "drain", "retry-now", "resume"}) {
        CHECK(api.call("POST", std::string("/targets/pacs/actions/") + verb, nullptr, {who}).status == 204);
    }
    CHECK(api.control.told == std::vector<std::string>{"pause pacs", "drain pacs", "retry pacs", "resume pacs"});
}

TEST_CASE("The health of a target is its queue now and its deliveries of the past", "[http][api][targets]") {
    HistoryApi api;
    know(api, "pacs");
    api.status.status.targets[0].state = TargetState::down;
    api.status.status.targets[0].last_error = "no route";
    const WallTime begin = api.clock.wall_now() - std::chrono::minutes(10);
    const auto event = [&](TaskEventType type, int second, const std::string& target) {
        return journal::TaskEvent{begin + std::chrono::seconds(second), "t1", "dispatcher.main", type, 0, target, ""};
    };
    CHECK(api.journal->write({event(TaskEventType::dispatch_begin, 0, "pacs"), event(TaskEventType::error, 2, "pacs"),
                              event(TaskEventType::dispatch_begin, 60, "pacs"),
                              event(TaskEventType::dispatch_complete, 64, "pacs"),
                              event(TaskEventType::dispatch_complete, 64, "other")}));
    const json health = api.get_masked("/targets/pacs/health?window_s=3600").body;
    CHECK(health.at("state") == "down");
    CHECK(health.at("last_error") == "no route");
    CHECK(health.at("deliveries") == json{{"ok", 1}, {"failed", 1}, {"p50_s", 4.0}, {"p95_s", 4.0}});
    CHECK(health.at("buckets").size() == 60);
    CHECK(api.get_masked("/targets/nobody/health").status == 404);
}
