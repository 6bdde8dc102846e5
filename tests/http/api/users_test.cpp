#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A user that an administrator made must set a password of their own first", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const nlohmann::json body = {{"username", "oleg"}, {"role", "operator"}, {"password", ApiFixture::good_password}};
    const auto made = api.call("POST", "/users", body, {admin});
    CHECK(made.status == 201);
    CHECK(made.headers.at("location") == "/api/v1/users/" + made.body.at("id").get<std::string>());
    Browser oleg(api, "oleg");
    const auto refused = oleg.get("/system");
    CHECK(refused.status == 403);
    CHECK(refused.body.at("code") == "password_change_required");
    // No way around it by a token.
    CHECK(oleg.call("POST", "/me/tokens", {{"name", "x"}, {"scopes", {"read"}}}).status == 403);
    CHECK(oleg.get("/me").status == 200);
    const nlohmann::json change = {{"old", ApiFixture::good_password}, {"new", "nine loud herons"}};
    CHECK(oleg.call("PUT", "/me/password", change).status == 204);
    CHECK(oleg.get("/system").status == 200);
    CHECK(api.call("POST", "/users", body, {admin}).status == 409);
}

TEST_CASE("Two administrators do not overwrite each other", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const User vera = api.add_user("vera", Role::viewer);
    const std::string target = "/users/" + vera.id;
    const std::string etag = api.call("GET", target, nullptr, {admin}).headers.at("etag");
    CHECK(api.call("GET", target, nullptr, {admin, {"If-None-Match", etag}}).status == 304);
    CHECK(api.call("PATCH", target, {{"email", "a@example.org"}}, {admin}).status == 428);
    CHECK(api.call("PATCH", target, {{"email", "a@example.org"}}, {admin, {"If-Match", etag}}).status == 200);
    const auto stale = api.call("PATCH", target, {{"email", "b@example.org"}}, {admin, {"If-Match", etag}});
    CHECK(stale.status == 412);
    CHECK(stale.body.at("current").at("email") == "a@example.org");
    CHECK(stale.headers.at("etag") != etag);
    CHECK(api.call("DELETE", target, nullptr, {admin, {"If-Match", etag}}).status == 412);
    CHECK(api.call("DELETE", target, nullptr, {admin, {"If-Match", stale.headers.at("etag")}}).status == 204);
    CHECK(api.call("GET", target, nullptr, {admin}).status == 404);
}

TEST_CASE("PUT replaces an account, PATCH changes what it names", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const std::string target = "/users/" + api.add_user("vera", Role::viewer, true).id;
    const auto change = [&](const char* method, const nlohmann::json& body) {
        const std::string etag = api.call("GET", target, nullptr, {admin}).headers.at("etag");
        return api.call(method, target, body, {admin, {"If-Match", etag}}).body;
    };
    const auto patched = change("PATCH", {{"email", "vera@example.org"}, {"disabled", true}});
    CHECK(patched.at("phi") == true);
    CHECK(patched.at("disabled") == true);
    const auto put = change("PUT", {{"username", "vera"}, {"role", "viewer"}});
    CHECK(put.at("phi") == false);
    CHECK(put.at("disabled") == false);
    CHECK(put.at("email") == "");
}

TEST_CASE("An account is not told to be the same when it is not", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const User vera = api.add_user("vera", Role::viewer);
    const std::string target = "/users/" + vera.id;
    auto before = api.call("GET", target, nullptr, {admin});
    const auto changed = [&] {
        const auto now = api.call("GET", target, nullptr, {admin, {"If-None-Match", before.headers.at("etag")}});
        const bool other = now.status == 200 && now.body != before.body;
        CHECK((other || now.status == 304));
        if (other) before = now;
        return other;
    };
    CHECK_FALSE(changed());
    Browser browser(api, "vera");
    CHECK(changed());
    api.call("POST", target + "/actions/reset-password", {{"password", "nine loud herons"}}, {admin});
    CHECK(changed());
    CHECK(before.body.at("must_change_password") == true);
    CHECK_FALSE(changed());
}

TEST_CASE("The audit says whose account was changed, and what of it", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto audited = [&](const std::string& action) {
        return api.call("GET", "/audit?action=" + action, nullptr, {admin}).body.at("items").at(0).at("object");
    };
    const nlohmann::json body = {
        {"username", "oleg"}, {"role", "operator"}, {"phi", true}, {"password", ApiFixture::good_password}};
    const std::string target = "/users/" + api.call("POST", "/users", body, {admin}).body.at("id").get<std::string>();
    CHECK(audited("addUser") == "/users oleg: role operator, phi true, disabled false");
    const auto etag = [&] {
        return std::make_pair(std::string("If-Match"), api.call("GET", target, nullptr, {admin}).headers.at("etag"));
    };
    api.call("PATCH", target, {{"role", "admin"}, {"email", "oleg@example.org"}, {"phi", true}}, {admin, etag()});
    CHECK(audited("patchUser") == target + " oleg: email, role operator → admin");
    api.call("PUT", target, {{"username", "Oleg"}, {"role", "viewer"}, {"email", "oleg@example.org"}}, {admin, etag()});
    CHECK(audited("putUser") == target + " oleg: username oleg → Oleg, role admin → viewer, phi true → false");
    api.call("POST", target + "/actions/reset-password", {{"password", "nine loud herons"}}, {admin});
    CHECK(audited("resetPassword") == target + "/actions/reset-password Oleg");
    api.call("DELETE", target, nullptr, {admin, etag()});
    CHECK(audited("removeUser") == target + " Oleg");
    const nlohmann::json file = {{"anna", {{"password", "$argon2id$x"}, {"is_admin", "True"}}}};
    api.call("POST", "/users/import", file, {admin});
    CHECK(audited("importUsers").get<std::string>().starts_with("/users/import anna: role admin, phi "));
    const auto all = api.call("GET", "/audit", nullptr, {admin}).text;
    for (const char* secret : {"nine loud", "seven quiet", "argon2"}) CHECK(all.find(secret) == std::string::npos);
}

TEST_CASE("The last administrator stays", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto list = api.call("GET", "/users", nullptr, {admin});
    const std::string target = "/users/" + list.body.at("items")[0].at("id").get<std::string>();
    const std::string etag = api.call("GET", target, nullptr, {admin}).headers.at("etag");
    const auto demoted = api.call("PATCH", target, {{"role", "viewer"}}, {admin, {"If-Match", etag}});
    CHECK(demoted.status == 409);
    CHECK(demoted.body.at("code") == "last_admin");
    CHECK(api.call("PATCH", target, {{"disabled", true}}, {admin, {"If-Match", etag}}).status == 409);
    CHECK(api.call("DELETE", target, nullptr, {admin, {"If-Match", etag}}).status == 409);
}

TEST_CASE("A demotion counts at once", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const User berta = api.add_user("berta", Role::admin);
    const auto token = api.token_of(berta, {"read", "admin"});
    CHECK(api.call("GET", "/users", nullptr, {token}).status == 200);
    const std::string target = "/users/" + berta.id;
    const std::string etag = api.call("GET", target, nullptr, {admin}).headers.at("etag");
    CHECK(api.call("PATCH", target, {{"role", "operator"}}, {admin, {"If-Match", etag}}).status == 200);
    CHECK(api.call("GET", "/users", nullptr, {token}).status == 403);
}

TEST_CASE("A new password ends the sessions, and unlocking forgets the failures", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const User vera = api.add_user("vera", Role::viewer);
    Browser browser(api, "vera");
    const std::string actions = "/users/" + vera.id + "/actions/";
    CHECK(api.call("POST", actions + "end-sessions", nullptr, {admin}).status == 204);
    CHECK(browser.get("/session").status == 401);
    for (int i = 0; i < 5; ++i) api.call("POST", "/session", {{"username", "vera"}, {"password", "x"}});
    CHECK(api.call("POST", "/session", {{"username", "vera"}, {"password", "x"}}).status == 429);
    CHECK(api.call("POST", actions + "unlock", nullptr, {admin}).status == 204);
    Browser again(api, "vera");
    CHECK(api.call("POST", actions + "reset-password", {{"password", "nine loud herons"}}, {admin}).status == 204);
    CHECK(again.get("/session").status == 401);
    CHECK_NOTHROW(Browser(api, "vera", "nine loud herons"));
}

TEST_CASE("The accounts of mercure are taken over with their passwords", "[http][api][users]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const User vera = api.add_user("vera", Role::viewer);
    const nlohmann::json file = {
        {"anna", {{"password", secrets::hash_password("seven quiet otters")}, {"is_admin", "True"}}},
        {"oleg", {{"password", "$6$rounds=5000$salt$hash"}, {"email", "oleg@example.org"}}},
        {"vera", {{"password", "$argon2id$x"}}},
        {" ", {{"password", "$argon2id$x"}}},
    };
    const auto actions = [](const ApiAnswer& answer) {
        std::string all;
        for (const auto& line : answer.body.at("report")) all += line.at("action").get<std::string>() + " ";
        return all;
    };
    const auto tried = api.call("POST", "/users/import?dry_run=true", file, {admin});
    CHECK(actions(tried) == "refused added added kept ");
    CHECK(api.call("GET", "/users", nullptr, {admin}).text.find("anna") == std::string::npos);
    const auto done = api.call("POST", "/users/import", file, {admin});
    CHECK(actions(done) == "refused added added kept ");
    CHECK(done.text.find("$argon2") == std::string::npos);
    CHECK(done.body.at("report")[1].at("problem").is_null());
    CHECK(done.body.at("report")[2].at("problem").get<std::string>().find("sha512_crypt") != std::string::npos);
    CHECK(Browser(api, "anna", "seven quiet otters").get("/me").body.at("role") == "admin");
    CHECK(actions(api.call("POST", "/users/import", file, {admin})) == "refused kept kept kept ");
    CHECK(api.call("POST", "/users/import", {{"anna", "x"}}, {admin}).status == 422);
    CHECK(api.call("POST", "/users/import", nlohmann::json::array(), {admin}).status == 422);
}
