#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What a person should look at is one list", "[http][api][attention]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    const auto items = [&] { return api.call("GET", "/attention", nullptr, {viewer}).body.at("items"); };
    CHECK(items().empty());
    api.status.ready = {false, {"stopping"}};
    TargetStatus pacs;
    pacs.name = "pacs";
    pacs.last_error = "refused";
    api.status.status.targets = {pacs};
    api.status.status.storage = {1000, 10, 50, {}};
    write_file(api.sources.file, "{ broken");
    CHECK_FALSE(api.config->reload().ok);
    std::string ids;
    for (const auto& item : items()) ids += item.at("id").get<std::string>() + "; ";
    CHECK(ids == "not_ready; configuration; storage; target pacs; ");
    CHECK(api.call("GET", "/storage", nullptr, {viewer}).body.at("free_bytes") == 10);
}

TEST_CASE("A full disk on which all that could go is held is a problem", "[http][api][attention]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    CHECK(api.call("GET", "/attention", nullptr, {viewer}).body.at("items").empty());
    api.status.status.storage.held_in_the_way = 3;
    const auto items = api.call("GET", "/attention", nullptr, {viewer}).body.at("items");
    REQUIRE(items.size() == 1);
    CHECK(items[0].at("id") == "held");
    CHECK(items[0].at("text").get<std::string>().find("3 folders") != std::string::npos);
}

TEST_CASE("Sign-ins that are slowed down are a problem, for an hour", "[http][api][attention]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    const auto who = api.full_token(Role::operate, false);
    const auto items = [&] { return api.call("GET", "/attention", nullptr, {who}).body.at("items"); };
    const nlohmann::json wrong = {{"username", "vera"}, {"password", "wrong"}};
    for (int i = 0; i < 5; ++i) CHECK(api.call("POST", "/session", wrong).status == 401);
    CHECK(items().empty());
    CHECK(api.call("POST", "/session", wrong).status == 429);
    REQUIRE(items().size() == 1);
    CHECK(items()[0].at("id") == "sign_in");
    CHECK(items()[0].at("text").get<std::string>().find("127.0.0.1") != std::string::npos);
    CHECK(items()[0].at("text").get<std::string>().find("vera") == std::string::npos);
    CHECK(api.call("POST", "/attention/sign_in/actions/ack", nullptr, {who}).status == 204);
    CHECK(items()[0].at("acknowledged").at("user") == "operator");
    api.advance(std::chrono::hours(1));
    CHECK(items().empty());
}

TEST_CASE("A problem is taken care of until it is another one, or muted for a time", "[http][api][attention]") {
    ApiFixture api;
    const auto who = api.full_token(Role::operate, false);
    const auto first = [&] { return api.call("GET", "/attention", nullptr, {who}).body.at("items").at(0); };
    TargetStatus pacs;
    pacs.name = "pacs";
    pacs.last_error = "refused";
    api.status.status.targets = {pacs};
    CHECK(api.call("POST", "/attention/target%20pacs/actions/ack", nullptr, {who}).status == 204);
    CHECK(first().at("acknowledged").at("user") == "operator");
    api.status.status.targets[0].last_error = "no route";
    CHECK(first().at("acknowledged").is_null());
    const auto mute = [&](const nlohmann::json& until) {
        return api.call("POST", "/attention/target%20pacs/actions/mute", {{"until", until}}, {who}).status;
    };
    CHECK(mute(rfc3339(api.clock.wall_now() + std::chrono::hours(1))) == 204);
    CHECK(first().at("muted_until").is_string());
    api.advance(std::chrono::hours(2));
    CHECK(first().at("muted_until").is_null());
    CHECK(mute(nullptr) == 204);
    CHECK(mute("never") == 422);
    CHECK(mute(rfc3339(api.clock.wall_now() - std::chrono::hours(1))) == 422);
    CHECK(api.call("POST", "/attention/nothing/actions/ack", nullptr, {who}).status == 404);
}

TEST_CASE("A pause is a problem that says who made it", "[http][api][attention]") {
    ApiFixture api;
    api.status.status.dispatch.pause = StagePause{"new disk", "anna", WallTime(), std::nullopt};
    const auto items = api.call("GET", "/attention", nullptr, {api.full_token(Role::viewer, false)}).body.at("items");
    CHECK(items.at(0).at("text") == "anna has paused the stage dispatch: new disk");
}

TEST_CASE("Modules that cannot run are a problem, with the reason", "[http][api][attention]") {
    ApiFixture api;
    api.status.status.runners_away["docker"] = "the engine cannot be reached";
    const auto items = api.call("GET", "/attention", nullptr, {api.full_token(Role::viewer, false)}).body.at("items");
    REQUIRE(items.size() == 1);
    CHECK(items.at(0).at("id") == "runner docker");
    CHECK(items.at(0).at("text") == "Tasks wait for their modules: the engine cannot be reached");
}

TEST_CASE("A source that is silent for too long is a problem, unless it is muted", "[http][api][attention]") {
    HistoryApi api;
    const auto who = api.full_token(Role::operate, false);
    journal::SeriesRegistered series{api.clock.wall_now() - std::chrono::hours(2), "1.5.1", {}};
    series.tags.add("SenderAET", "CT1");
    series.tags.add("SenderAddress", "10.0.0.1");
    REQUIRE(api.journal->write({series}).ok());
    const auto ids = [&] {
        api.advance(std::chrono::seconds(61));
        std::string all;
        const auto answer = api.get_masked("/attention");
        for (const auto& one : answer.body.at("items")) all += one.at("id").get<std::string>();
        return all;
    };
    CHECK(ids() == "");
    const std::string source = "/sources/CT1%4010.0.0.1";
    CHECK(api.call("PATCH", source, {{"expected_gap_s", 3600}}, {who}).status == 200);
    CHECK(ids() == "source CT1@10.0.0.1");
    CHECK(api.call("POST", "/attention/source%20CT1%4010.0.0.1/actions/ack", nullptr, {who}).status == 204);
    CHECK(api.get_masked("/attention").body.at("items")[0].at("acknowledged").is_object());
    CHECK(api.call("POST", source + "/actions/mute", {{"for_ever", true}}, {who}).status == 200);
    CHECK(ids() == "");
}
