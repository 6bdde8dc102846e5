#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/totp.hpp"

#include "api.hpp"
#include "sign_in_checks.hpp"

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

HttpResponse show(const Api& api, const Call& call) {
    const User& user = call.user();
    const bool required = user.role == Role::admin && api.sign_in_settings().second_factor_for_admins;
    return make_json({{"enabled", user.second_factor},
                      {"required", required},
                      {"recovery_codes_left", api.second_factors().recovery_codes_left(user.id)}});
}

asio::awaitable<HttpResponse> begin(Api& api, Call& call) {
    const std::string password = call.body["password"];
    co_await check_own_password(api, call, password, "/password");
    auto work = [&] {
        const auto secret = api.second_factors().begin(call.user().id, call.now);
        if (!secret) throw conflict("second_factor_on", secret.error().message);
        const std::string issuer = "Quicksilver " + api.services().config.snapshot()->appliance_name;
        return make_json(
            {{"secret", *secret}, {"otpauth_uri", totp::otpauth_uri(issuer, call.user().username, *secret)}});
    };
    co_return co_await run_blocking(api.services().administration_pool, work);
}

asio::awaitable<HttpResponse> confirm(Api& api, Call& call) {
    const User& user = call.user();
    check_throttle(api, call, user.username);
    const std::string typed = call.body["totp"];
    auto work = [&] {
        auto codes = api.second_factors().confirm(user.id, typed, call.now);
        // Who signed in elsewhere did so without it.
        if (codes) api.sessions().end_all(user.id, call.who->session_id);
        return codes;
    };
    const auto codes = co_await run_blocking(api.services().administration_pool, work);
    if (codes) co_return make_json({{"recovery_codes", *codes}});
    const Error& error = codes.error();
    if (error.code == Errc::already_exists) throw conflict("second_factor_on", error.message);
    if (error.code == Errc::not_found) throw conflict("second_factor_not_begun", error.message);
    api.throttle().failed(user.username, call.request.address, call.steady_now);
    throw invalid(error.message, {{"/totp", "wrong", error.message}});
}

asio::awaitable<HttpResponse> remove(Api& api, Call& call) {
    const std::string password = call.body["password"];
    co_await check_own_password(api, call, password, "/password");
    auto work = [&] {
        if (!api.second_factors().remove(call.user().id)) throw not_found("You have no second factor.");
        return no_content();
    };
    co_return co_await run_blocking(api.services().administration_pool, work);
}

}  // namespace

void add_second_factor_operations(Api& api) {
    const std::string tag = "me";
    const Json with_password = schema::object({{"password", schema::required_text(512)}});
    api.administer({.method = "GET",
                    .path = "/me/totp",
                    .id = "getMySecondFactor",
                    .summary = "Whether signing in asks for a code beside the password",
                    .tag = tag,
                    .access = Access::signed_in,
                    .answer = schema::object({{"enabled", schema::boolean()},
                                              {"required", schema::boolean()},
                                              {"recovery_codes_left", schema::integer(0, 10)}})},
                   [&api](Call& call) { return show(api, call); });
    api.wait({.method = "POST",
              .path = "/me/totp",
              .id = "beginMySecondFactor",
              .summary = "A new secret for an authenticator app, which counts once it is confirmed",
              .tag = tag,
              .access = Access::signed_in,
              .body = with_password,
              .answer = schema::object({{"secret", schema::text()}, {"otpauth_uri", schema::text()}})},
             [&api](Call& call) { return begin(api, call); });
    api.wait({.method = "POST",
              .path = "/me/totp/confirm",
              .id = "confirmMySecondFactor",
              .summary = "Switches the second factor on; the recovery codes are shown this once, other sessions end",
              .tag = tag,
              .access = Access::signed_in,
              .body = schema::object({{"totp", schema::required_text(16)}}),
              .answer = schema::object({{"recovery_codes", schema::list_of(schema::text())}})},
             [&api](Call& call) { return confirm(api, call); });
    api.wait({.method = "DELETE",
              .path = "/me/totp",
              .id = "removeMySecondFactor",
              .summary = "Switches the second factor off",
              .tag = tag,
              .access = Access::signed_in,
              .body = with_password,
              .status = 204},
             [&api](Call& call) { return remove(api, call); });
}

}  // namespace quicksilver::api
