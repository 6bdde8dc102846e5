#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

TEST_CASE("Preferences are kept and merged", "[http][api][me]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    CHECK(vera.call("PATCH", "/me", {{"preferences", {{"theme", "dark"}, {"rows", 50}}}}).status == 200);
    CHECK(vera.call("PATCH", "/me", {{"preferences", {{"rows", nullptr}}}}).status == 200);
    CHECK(vera.get("/me").body.at("preferences").dump() == R"({"theme":"dark"})");
    const std::string large(40'000, 'x');
    CHECK(vera.call("PATCH", "/me", {{"preferences", {{"theme", large}}}}).status == 422);
    const auto audit = api.call("GET", "/audit?action=patchMe", nullptr, {api.full_token(Role::admin, false)});
    REQUIRE(audit.body.at("items").size() == 2);
    CHECK(audit.body.at("items")[0].at("user") == "vera");
}

TEST_CASE("A new password ends the other sessions and not this one", "[http][api][me]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser here(api, "vera");
    Browser there(api, "vera");
    CHECK(here.get("/me/sessions").body.at("items").size() == 2);
    const auto wrong = here.call("PUT", "/me/password", {{"old", "wrong"}, {"new", "nine loud herons"}});
    CHECK(wrong.status == 422);
    CHECK(wrong.body.at("errors")[0].at("pointer") == "/old");
    const nlohmann::json change = {{"old", ApiFixture::good_password}, {"new", "nine loud herons"}};
    CHECK(here.call("PUT", "/me/password", change).status == 204);
    CHECK(here.get("/session").status == 200);
    CHECK(there.get("/session").status == 401);
}

TEST_CASE("A token does what its scopes and the role allow, until it is removed or too old", "[http][api][me]") {
    ApiFixture api;
    api.add_user("anna", Role::admin);
    Browser anna(api, "anna");
    const auto made = anna.call("POST", "/me/tokens", {{"name", "script"}, {"scopes", {"read"}}});
    REQUIRE(made.status == 201);
    const std::string secret = made.body.at("token");
    CHECK(secret.starts_with("qs_pat_"));
    const std::pair<std::string, std::string> header{"Authorization", "Bearer " + secret};
    CHECK(api.call("GET", "/system", nullptr, {header}).status == 200);
    CHECK(api.call("GET", "/users", nullptr, {header}).status == 403);
    const auto listed = anna.get("/me/tokens").body.at("items");
    CHECK(listed.size() == 1);
    CHECK_FALSE(listed[0].contains("token"));
    CHECK(listed[0].at("last_address") == "127.0.0.1");
    // A token cannot make another one, or outlive its removal.
    CHECK(api.call("POST", "/me/tokens", {{"name", "more"}, {"scopes", {"read"}}}, {header}).status == 403);
    CHECK(anna.call("DELETE", "/me/tokens/" + listed[0].at("id").get<std::string>()).status == 204);
    CHECK(api.call("GET", "/system", nullptr, {header}).status == 401);
}

TEST_CASE("A token ends on its day", "[http][api][me]") {
    ApiFixture api;
    const User vera = api.add_user("vera", Role::viewer);
    const auto token = api.token_of(vera, {"read"});
    CHECK(api.call("GET", "/system", nullptr, {token}).status == 200);
    api.advance(24h);
    CHECK(api.call("GET", "/system", nullptr, {token}).status == 401);
}

TEST_CASE("A token ends when its maker says, within a year", "[http][api][me]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    const WallTime now = api.clock.wall_now();
    const auto make = [&](nlohmann::json more) {
        more["name"] = "script";
        more["scopes"] = {"read"};
        return vera.call("POST", "/me/tokens", more);
    };
    CHECK(make({{"expires_at", rfc3339(now + 3h)}}).body.at("expires_at") == rfc3339(now + 3h));
    CHECK(make({{"expires_in_days", 2}}).body.at("expires_at") == rfc3339(now + 48h));
    CHECK(make(nlohmann::json::object()).body.at("expires_at") == rfc3339(now + 90 * 24h));
    for (const std::string& wrong : {rfc3339(now), rfc3339(now + 367 * 24h), std::string("tomorrow")}) {
        const auto refused = make({{"expires_at", wrong}});
        CHECK(refused.status == 422);
        CHECK(refused.body.at("errors")[0].at("pointer") == "/expires_at");
    }
    CHECK(make({{"expires_at", rfc3339(now + 3h)}, {"expires_in_days", 2}}).status == 422);
}

TEST_CASE("Whose account is removed between the check of the session and the answer is not signed in",
          "[http][api][me]") {
    ApiFixture api;
    api.add_user("anna", Role::viewer);
    api.add_user("vera", Role::viewer);
    Browser anna(api, "anna");
    Browser vera(api, "vera");
    // The check notes that the session is used; right then the user goes.
    api.administration->connection().execute(
        "CREATE TEMP TRIGGER removal AFTER UPDATE OF seen_ms ON sessions"
        " BEGIN DELETE FROM users WHERE id = NEW.user_id; END");
    api.advance(2min);
    CHECK(anna.get("/me").status == 401);
    CHECK(vera.call("PATCH", "/me", {{"preferences", {{"theme", "dark"}}}}).status == 401);
}

TEST_CASE("Nobody makes a token that can do more than they can", "[http][api][me]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    for (const char* scope : {"operate", "configure", "admin", "ingest", "phi"}) {
        INFO(scope);
        CHECK(vera.call("POST", "/me/tokens", {{"name", "x"}, {"scopes", {scope}}}).status == 422);
    }
}

TEST_CASE("Nobody ends the session of somebody else", "[http][api][me]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    api.add_user("oleg", Role::operate);
    Browser vera(api, "vera");
    Browser oleg(api, "oleg");
    const std::string id = vera.get("/me/sessions").body.at("items")[0].at("id");
    CHECK(oleg.call("DELETE", "/me/sessions/" + id).status == 404);
    CHECK(vera.get("/session").status == 200);
}

TEST_CASE("Nobody fills the database with tokens", "[http][api][me]") {
    ApiFixture api;
    const User user = api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    for (int i = 0; i < 99; ++i) api.token_of(user, {"read"});
    const nlohmann::json token = {{"name", "script"}, {"scopes", {"read"}}};
    CHECK(vera.call("POST", "/me/tokens", token).status == 201);
    const auto refused = vera.call("POST", "/me/tokens", token);
    CHECK(refused.status == 409);
    CHECK(refused.body.at("code") == "too_many_tokens");
}
