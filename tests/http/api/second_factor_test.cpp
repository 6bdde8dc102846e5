#include "quicksilver/store/totp.hpp"

#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

/// Somebody with an authenticator app.
struct Phone {
    std::string secret;

    std::string code(const ApiFixture& api) const {
        const auto now = std::chrono::duration_cast<std::chrono::seconds>(api.clock.wall_now().time_since_epoch());
        return totp::code(*totp::from_base32(secret), static_cast<std::uint64_t>(now.count() / 30));
    }
};

const nlohmann::json own_password = {{"password", ApiFixture::good_password}};

std::vector<std::string> switch_on(ApiFixture& api, Browser& browser, Phone& phone) {
    phone.secret = browser.call("POST", "/me/totp", own_password).body.at("secret");
    const auto done = browser.call("POST", "/me/totp/confirm", {{"totp", phone.code(api)}});
    REQUIRE(done.status == 200);
    return done.body.at("recovery_codes");
}

ApiAnswer sign_in(ApiFixture& api, const std::string& name, const std::string& code,
                  const std::string& password = ApiFixture::good_password) {
    nlohmann::json body = {{"username", name}, {"password", password}};
    if (!code.empty()) body["totp"] = code;
    return api.call("POST", "/session", body);
}

nlohmann::json last_audit(ApiFixture& api, const std::string& action) {
    return api.call("GET", "/audit?action=" + action, nullptr, {api.full_token(Role::admin, false)})
        .body.at("items")
        .at(0);
}

}  // namespace

TEST_CASE("With a second factor, signing in takes a code beside the password", "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    Browser elsewhere(api, "vera");
    Phone phone;
    CHECK(vera.get("/me/totp").body.at("enabled") == false);
    CHECK(vera.call("POST", "/me/totp", {{"password", "wrong"}}).status == 422);
    const auto codes = switch_on(api, vera, phone);
    CHECK(codes.size() == 10);
    CHECK(vera.get("/me/totp").body.at("enabled") == true);
    CHECK(vera.get("/me").body.at("second_factor") == true);
    CHECK(elsewhere.get("/session").status == 401);

    const auto asked = sign_in(api, "vera", "");
    CHECK(asked.status == 401);
    CHECK(asked.body.at("code") == "second_factor_required");
    CHECK(sign_in(api, "vera", phone.code(api), "wrong").body.at("code") == "wrong_credentials");
    // The code that switched it on is used up.
    CHECK(sign_in(api, "vera", phone.code(api)).body.at("code") == "wrong_second_factor");
    api.advance(30s);
    const std::string code = phone.code(api);
    CHECK(sign_in(api, "vera", code).status == 201);
    CHECK(sign_in(api, "vera", code).body.at("code") == "wrong_second_factor");
    CHECK(sign_in(api, "vera", codes[3]).status == 201);
    CHECK(sign_in(api, "vera", codes[3]).status == 401);
    CHECK(vera.get("/me/totp").body.at("recovery_codes_left") == 9);
}

TEST_CASE("What is asked for without a right password tells nothing of the second factor",
          "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    Phone phone;
    switch_on(api, vera, phone);
    const auto wrong = sign_in(api, "vera", "", "wrong");
    CHECK(wrong.body.at("code") == "wrong_credentials");
    CHECK(wrong.body.at("detail") == sign_in(api, "nobody", "", "wrong").body.at("detail"));
}

TEST_CASE("Codes are not guessed faster than passwords", "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    Phone phone;
    switch_on(api, vera, phone);
    for (int i = 0; i < 5; ++i) CHECK(sign_in(api, "vera", "000000").body.at("code") == "wrong_second_factor");
    CHECK(sign_in(api, "vera", "000000").status == 429);
    // Nor does the right password in between begin anew.
    api.advance(1s);
    CHECK(sign_in(api, "vera", "").body.at("code") == "second_factor_required");
    CHECK(sign_in(api, "vera", "000000").status == 429);
}

TEST_CASE("A second factor is switched off with the password, or by an administrator", "[http][api][second_factor]") {
    ApiFixture api;
    const User user = api.add_user("vera", Role::viewer);
    const auto admin = api.full_token(Role::admin, false);
    Browser vera(api, "vera");
    Phone phone;
    switch_on(api, vera, phone);
    CHECK(vera.call("POST", "/me/totp", own_password).body.at("code") == "second_factor_on");
    CHECK(vera.call("DELETE", "/me/totp", {{"password", "wrong"}}).status == 422);
    CHECK(vera.call("DELETE", "/me/totp", own_password).status == 204);
    CHECK(vera.call("DELETE", "/me/totp", own_password).status == 404);
    CHECK(sign_in(api, "vera", "").status == 201);

    Browser again(api, "vera");
    switch_on(api, again, phone);
    const std::string reset = "/users/" + user.id + "/actions/reset-second-factor";
    CHECK(api.call("GET", "/users/" + user.id, nullptr, {admin}).body.at("second_factor") == true);
    CHECK(api.call("POST", reset, nullptr, {admin}).status == 204);
    CHECK(api.call("POST", reset, nullptr, {admin}).status == 409);
    CHECK(again.get("/session").status == 401);
    CHECK(sign_in(api, "vera", "").status == 201);
    CHECK(last_audit(api, "resetSecondFactor").at("object") ==
          "/users/" + user.id + "/actions/reset-second-factor vera");
}

TEST_CASE("What is confirmed must have been begun, with the code of now", "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    CHECK(vera.call("POST", "/me/totp/confirm", {{"totp", "000000"}}).body.at("code") == "second_factor_not_begun");
    const auto begun = vera.call("POST", "/me/totp", own_password);
    CHECK(begun.body.at("otpauth_uri").get<std::string>().starts_with("otpauth://totp/Quicksilver%20master:vera?"));
    const auto wrong = vera.call("POST", "/me/totp/confirm", {{"totp", "abcdef"}});
    CHECK(wrong.status == 422);
    CHECK(wrong.body.at("errors")[0].at("pointer") == "/totp");
    // Nothing is on yet.
    CHECK(sign_in(api, "vera", "").status == 201);
}

TEST_CASE("The audit tells of second factors, and never their secrets", "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("vera", Role::viewer);
    Browser vera(api, "vera");
    Phone phone;
    const auto codes = switch_on(api, vera, phone);
    CHECK(last_audit(api, "confirmMySecondFactor").at("user") == "vera");
    sign_in(api, "vera", "000000");
    const auto refused = last_audit(api, "signIn");
    CHECK(refused.at("outcome") == "refused");
    CHECK(refused.at("object").get<std::string>().find("the second factor was wrong") != std::string::npos);
    const auto audit = api.call("GET", "/audit?limit=500", nullptr, {api.full_token(Role::admin, false)});
    CHECK(audit.text.find(phone.secret) == std::string::npos);
    for (const std::string& code : codes) CHECK(audit.text.find(code) == std::string::npos);
}

TEST_CASE("Administrators may be made to have a second factor", "[http][api][second_factor]") {
    ApiFixture api;
    api.add_user("anna", Role::admin);
    api.add_user("vera", Role::viewer);
    const auto token = api.full_token(Role::admin, false);
    const std::string etag = api.call("GET", "/settings", nullptr, {token}).headers.at("etag");
    const nlohmann::json required = {{"sign_in", {{"second_factor_for_admins", true}}}};
    REQUIRE(api.call("PATCH", "/settings", required, {token, {"If-Match", etag}}).status == 200);
    Browser anna(api, "anna");
    CHECK(anna.get("/session").body.at("must_set_up_second_factor") == true);
    const auto refused = anna.get("/system");
    CHECK(refused.status == 403);
    CHECK(refused.body.at("code") == "second_factor_setup_required");
    CHECK(anna.get("/me/totp").body.at("required") == true);
    // No way around it by a token.
    CHECK(anna.call("POST", "/me/tokens", {{"name", "x"}, {"scopes", {"read"}}}).status == 403);
    Phone phone;
    switch_on(api, anna, phone);
    CHECK(anna.get("/system").status == 200);
    CHECK(anna.get("/session").body.at("must_set_up_second_factor") == false);
    Browser vera(api, "vera");
    CHECK(vera.get("/system").status == 200);
}
