#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <future>

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

TEST_CASE("The first administrator is made with the setup code, and only once", "[http][api][session]") {
    ApiFixture api;
    CHECK(api.call("GET", "/setup").body.at("state") == "open");
    REQUIRE(api.setup_codes.size() == 1);
    const nlohmann::json wrong = {
        {"setup_code", "AAAA-BBBB-CCCC"}, {"username", "anna"}, {"password", ApiFixture::good_password}};
    CHECK(api.call("POST", "/setup", wrong).status == 403);
    nlohmann::json right = wrong;
    right["setup_code"] = api.setup_codes[0];
    right["password"] = "short";
    const auto weak = api.call("POST", "/setup", right);
    CHECK(weak.status == 422);
    CHECK(weak.body.at("errors")[0].at("pointer") == "/password");
    right["password"] = ApiFixture::good_password;
    const auto made = api.call("POST", "/setup", right);
    CHECK(made.status == 201);
    CHECK(made.body.at("role") == "admin");
    CHECK(made.headers.at("set-cookie").find("HttpOnly; SameSite=Strict") != std::string::npos);
    CHECK(api.call("POST", "/setup", right).status == 409);
    CHECK(api.call("GET", "/setup").body.at("state") == "done");
}

TEST_CASE("A setup code counts for five tries, then there is a new one", "[http][api][session]") {
    ApiFixture api;
    const nlohmann::json wrong = {{"setup_code", "AAAA-BBBB-CCCC"}, {"username", "anna"}, {"password", "x"}};
    for (int i = 0; i < 6; ++i) CHECK(api.call("POST", "/setup", wrong).status == 403);
    CHECK(api.setup_codes.size() == 2);
}

TEST_CASE("A session shows who is signed in until it ends", "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser browser(api, "vera");
    const auto session = browser.get("/session");
    CHECK(session.status == 200);
    CHECK(session.body.at("user") == "vera");
    CHECK(session.body.at("csrf_token") == browser.csrf);
    CHECK(browser.call("DELETE", "/session").status == 204);
    CHECK(browser.get("/session").status == 401);
}

TEST_CASE("A session ends when nobody used it for half an hour, and after twelve hours in any case",
          "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser idle(api, "vera");
    api.advance(29min);
    CHECK(idle.get("/session").status == 200);
    api.advance(31min);
    CHECK(idle.get("/session").status == 401);
    Browser busy(api, "vera");
    for (int i = 0; i < 47; ++i) {
        api.advance(15min);
        CHECK(busy.get("/session").status == 200);
    }
    api.advance(16min);
    CHECK(busy.get("/session").status == 401);
}

TEST_CASE("How long sessions last is a setting that counts at once", "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    const auto admin = api.full_token(Role::admin, false);
    Browser before(api, "vera");
    const std::string etag = api.call("GET", "/settings", nullptr, {admin}).headers.at("etag");
    const nlohmann::json shorter = {{"sign_in", {{"session_idle", 300}, {"session_max", 600}}}};
    REQUIRE(api.call("PATCH", "/settings", shorter, {admin, {"If-Match", etag}}).status == 200);
    Browser after(api, "vera");
    CHECK(after.get("/session").body.at("idle_expires_at") == rfc3339(api.clock.wall_now() + 5min));
    CHECK(after.get("/session").body.at("expires_at") == rfc3339(api.clock.wall_now() + 10min));
    api.advance(4min);
    CHECK(after.get("/session").status == 200);
    api.advance(2min);
    CHECK(before.get("/session").status == 401);
    CHECK(after.get("/session").status == 200);
    api.advance(4min);
    CHECK(after.get("/session").status == 401);
}

TEST_CASE("Who signs in over the session of somebody else is the one in the audit", "[http][api][session]") {
    ApiFixture api;
    api.add_user("anna", Role::viewer);
    api.add_user("berta", Role::viewer);
    Browser anna(api, "anna");
    const nlohmann::json body = {{"username", "berta"}, {"password", ApiFixture::good_password}};
    REQUIRE(api.call("POST", "/session", body, {{"Cookie", anna.cookie}}).status == 201);
    const auto audit = api.call("GET", "/audit?action=signIn", nullptr, {api.full_token(Role::admin, false)});
    CHECK(audit.body.at("items").at(0).at("user") == "berta");
    CHECK(audit.body.at("items").at(1).at("user") == "anna");
}

TEST_CASE("Two first sign-ins at once with a hash of mercure both succeed", "[http][api][session]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    // Costs enough that the second request comes while the first one is still being checked.
    const nlohmann::json file = {{"anna", {{"password", secrets::hash_password("seven quiet otters", {1 << 26, 4})}}}};
    REQUIRE(api.call("POST", "/users/import", file, {admin}).status == 200);
    const auto sign_in = [&api] {
        return api.call("POST", "/session", {{"username", "anna"}, {"password", "seven quiet otters"}}).status;
    };
    auto first = std::async(std::launch::async, sign_in);
    auto second = std::async(std::launch::async, sign_in);
    CHECK(first.get() == 201);
    CHECK(second.get() == 201);
}

TEST_CASE("Wrong names and wrong passwords get the same answer", "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    const auto password = api.call("POST", "/session", {{"username", "vera"}, {"password", "wrong"}});
    const auto name = api.call("POST", "/session", {{"username", "nobody"}, {"password", "wrong"}});
    CHECK(password.status == 401);
    CHECK(name.status == 401);
    CHECK(password.body.at("detail") == name.body.at("detail"));
    CHECK(password.body.at("code") == name.body.at("code"));
}

TEST_CASE("Guessing is slowed down and never locks anybody out", "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    const nlohmann::json wrong = {{"username", "vera"}, {"password", "wrong"}};
    for (int i = 0; i < 5; ++i) CHECK(api.call("POST", "/session", wrong).status == 401);
    const auto slowed = api.call("POST", "/session", wrong);
    CHECK(slowed.status == 429);
    CHECK(slowed.headers.at("retry-after") == "1");
    api.advance(1s);
    CHECK_NOTHROW(Browser(api, "vera"));
}

TEST_CASE("A disabled user cannot sign in, and is out at once", "[http][api][session]") {
    ApiFixture api;
    const User vera = api.add_user("vera", Role::viewer);
    Browser browser(api, "vera");
    const auto admin = api.full_token(Role::admin, false);
    const auto shown = api.call("GET", "/users/" + vera.id, nullptr, {admin});
    const auto changed =
        api.call("PATCH", "/users/" + vera.id, {{"disabled", true}}, {admin, {"If-Match", shown.headers.at("etag")}});
    CHECK(changed.status == 200);
    CHECK(browser.get("/session").status == 401);
    CHECK(api.call("POST", "/session", {{"username", "vera"}, {"password", ApiFixture::good_password}}).status == 401);
}

TEST_CASE("Changes with a cookie need the same origin and the token of the session", "[http][api][csrf]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser browser(api, "vera");
    const std::pair<std::string, std::string> cookie{"Cookie", browser.cookie};
    const std::pair<std::string, std::string> token{"X-CSRF-Token", browser.csrf};
    const std::pair<std::string, std::string> origin{"Origin", "http://localhost"};
    const auto sign_out = [&](const ApiFixture::Headers& headers) {
        return api.call("DELETE", "/me/sessions", nullptr, headers).status;
    };
    CHECK(sign_out({cookie}) == 403);
    CHECK(sign_out({cookie, token}) == 403);
    CHECK(sign_out({cookie, origin}) == 403);
    CHECK(sign_out({cookie, origin, {"X-CSRF-Token", "wrong"}}) == 403);
    CHECK(sign_out({cookie, token, {"Origin", "http://evil.example"}}) == 403);
    CHECK(sign_out({cookie, token, {"Origin", "null"}}) == 403);
    CHECK(sign_out({cookie, token, {"Sec-Fetch-Site", "cross-site"}}) == 403);
    CHECK(sign_out({cookie, token, {"Sec-Fetch-Site", "same-site"}}) == 403);
    CHECK(sign_out({cookie, token, origin}) == 204);
    CHECK(sign_out({cookie, token, {"Sec-Fetch-Site", "same-origin"}}) == 204);
}

TEST_CASE("A foreign page can sign nobody in", "[http][api][csrf]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    const nlohmann::json body = {{"username", "vera"}, {"password", ApiFixture::good_password}};
    CHECK(api.call("POST", "/session", body, {{"Origin", "http://evil.example"}}).status == 403);
    // What a form of another page can send is no JSON.
    CHECK(api.call_raw("POST", "/session", body.dump(), {{"Content-Type", "text/plain"}}).status == 415);
}

TEST_CASE("A session that somebody planted is worth nothing after signing in", "[http][api][session]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser first(api, "vera");
    const auto again = api.call("POST", "/session", {{"username", "vera"}, {"password", ApiFixture::good_password}},
                                {{"Cookie", first.cookie}});
    CHECK(again.status == 201);
    CHECK(again.headers.at("set-cookie").find(first.cookie) == std::string::npos);
    CHECK(first.get("/session").status == 401);
    const auto planted = api.call("POST", "/session", {{"username", "vera"}, {"password", ApiFixture::good_password}},
                                  {{"Cookie", "quicksilver=chosen-by-me"}});
    CHECK(planted.headers.at("set-cookie").find("chosen-by-me") == std::string::npos);
}

TEST_CASE("Cookie and token together are refused", "[http][api][session]") {
    ApiFixture api;
    const User vera = api.add_user("vera", Role::viewer);
    Browser browser(api, "vera");
    CHECK(api.call("GET", "/me", nullptr, {{"Cookie", browser.cookie}, api.token_of(vera, {"read"})}).status == 400);
}
