#include "accounts_json.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/password_rules.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace {

Json or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

}  // namespace

Json user_schema() {
    return schema::object({{"id", schema::text()},
                           {"username", schema::text()},
                           {"email", schema::text()},
                           {"role", schema::choice({"viewer", "operator", "admin"})},
                           {"phi", schema::boolean()},
                           {"disabled", schema::boolean()},
                           {"source", schema::choice({"local", "oidc", "ldap"})},
                           {"must_change_password", schema::boolean()},
                           {"second_factor", schema::boolean()},
                           {"created_at", schema::time()},
                           {"last_sign_in_at", schema::optional(schema::time())}});
}

Json to_json(const User& user) {
    return {{"id", user.id},
            {"username", user.username},
            {"email", user.email},
            {"role", to_string(user.role)},
            {"phi", user.phi},
            {"disabled", user.disabled},
            {"source", user.source},
            {"must_change_password", user.must_change_password},
            {"second_factor", user.second_factor},
            {"created_at", user.created_at},
            {"last_sign_in_at", or_null(user.last_sign_in_at)}};
}

std::string user_etag(const User& user) {
    return fmt::format("\"u{}-{}\"", user.version, user.id);
}

Json session_schema() {
    return schema::object({{"user", schema::text()},
                           {"user_id", schema::text()},
                           {"role", schema::choice({"viewer", "operator", "admin"})},
                           {"phi", schema::boolean()},
                           {"must_change_password", schema::boolean()},
                           {"must_set_up_second_factor", schema::boolean()},
                           {"csrf_token", schema::text()},
                           {"expires_at", schema::time()},
                           {"idle_expires_at", schema::time()}});
}

Json session_json(const Api& api, const User& user, const Session& session) {
    const WallTime idle = std::min(session.expires, session.seen + api.sign_in_settings().sessions.idle);
    return {{"user", user.username},
            {"user_id", user.id},
            {"role", to_string(user.role)},
            {"phi", user.phi},
            {"must_change_password", user.must_change_password},
            {"must_set_up_second_factor", api.lacks_second_factor(user)},
            {"csrf_token", api.csrf_token(session.id)},
            {"expires_at", rfc3339(session.expires)},
            {"idle_expires_at", rfc3339(idle)}};
}

HttpResponse begin_session(const Api& api, Call& call, const User& user) {
    const HttpRequest& request = call.request;
    Sessions sessions = api.sessions();
    sessions.forget_expired(call.now);
    // A new id at each sign-in: one that somebody planted before is worth nothing afterwards.
    const auto made = sessions.begin(user, request.address, std::string(request.header("User-Agent")), call.now);
    api.accounts().signed_in(user.id, call.now);
    HttpResponse response = make_json(session_json(api, user, made.session), call.operation.status);
    response.headers.emplace_back("Set-Cookie", session_cookie(made.secret, request));
    return response;
}

boost::asio::awaitable<std::string> hash_new_password(Api& api, std::string password, std::string username,
                                                      std::string pointer) {
    const auto good = check_password(password, username);
    if (!good) {
        FieldError fault{std::move(pointer), "weak_password", good.error().message};
        throw invalid(good.error().message, {std::move(fault)});
    }
    auto hash = [&] { return secrets::hash_password(password, api.services().hash_cost); };
    co_return co_await run_blocking(api.services().passwords_pool, hash);
}

}  // namespace quicksilver::api
