#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"

#include "accounts_json.hpp"
#include "api.hpp"
#include "sign_in_checks.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr int token_days_max = 366;
constexpr int token_days_default = 90;
constexpr std::size_t tokens_max = 100;  // of one user
constexpr std::size_t preferences_bytes_max = 32 * 1024;

Json me_schema() {
    Json me = user_schema();
    me["properties"]["preferences"] = schema::any_object();
    me["required"].push_back("preferences");
    return me;
}

/// As it is now: it may have been removed since the request was let in.
User present_user(const Api& api, const Call& call) {
    auto user = api.accounts().find(call.user().id);
    if (!user) throw ProblemError(401, "unauthenticated", "This account was removed.");
    return *std::move(user);
}

HttpResponse show_me(const Api& api, const Call& call) {
    const User user = present_user(api, call);
    Json me = to_json(user);
    me["preferences"] = Json::parse(user.preferences, nullptr, false);
    return make_json(me);
}

HttpResponse change_preferences(const Api& api, const Call& call) {
    const User user = present_user(api, call);
    const Json merged = merge_patched(Json::parse(user.preferences, nullptr, false), call.body["preferences"]);
    const std::string text = merged.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > preferences_bytes_max) {
        throw invalid("The preferences are too large.", {{"/preferences", "length", "more than 32 KiB in all"}});
    }
    api.accounts().set_preferences(user.id, text);
    return show_me(api, call);
}

asio::awaitable<HttpResponse> change_password(Api& api, Call& call) {
    const ApiServices& services = api.services();
    const std::string old_password = call.body["old"];
    const std::string new_password = call.body["new"];
    const User& user = call.user();
    const std::string old_hash = co_await check_own_password(api, call, old_password, "/old");
    if (old_password == new_password) {
        throw invalid("The new password is the old one.", {{"/new", "same", "must be another one"}});
    }
    const std::string hash = co_await hash_new_password(api, new_password, user.username, "/new");
    auto store = [&] {
        // An administrator may have reset it meanwhile, against whoever knows the old one.
        if (api.accounts().password_hash(user.id) != old_hash) {
            throw conflict("changed", "The password was changed by somebody else meanwhile; sign in with that one.");
        }
        api.accounts().set_password(user.id, hash, false, call.now);
        api.sessions().end_all(user.id, call.who->session_id);
        return no_content();
    };
    co_return co_await run_blocking(services.administration_pool, store);
}

Json session_item_schema() {
    return schema::object({{"id", schema::text()},
                           {"current", schema::boolean()},
                           {"created_at", schema::time()},
                           {"seen_at", schema::time()},
                           {"expires_at", schema::time()},
                           {"address", schema::text()},
                           {"agent", schema::text()}});
}

HttpResponse list_sessions(const Api& api, const Call& call) {
    Json items = Json::array();
    for (const Session& session : api.sessions().of_user(call.user().id, call.now)) {
        items.push_back({{"id", session.id},
                         {"current", session.id == call.who->session_id},
                         {"created_at", session.created_at},
                         {"seen_at", rfc3339(session.seen)},
                         {"expires_at", rfc3339(session.expires)},
                         {"address", session.address},
                         {"agent", session.agent}});
    }
    return make_json({{"items", std::move(items)}});
}

Json token_schema() {
    return schema::object({{"id", schema::text()},
                           {"name", schema::text()},
                           {"scopes", schema::list_of(schema::choice(token_scopes()))},
                           {"created_at", schema::time()},
                           {"expires_at", schema::time()},
                           {"last_used_at", schema::optional(schema::time())},
                           {"last_address", schema::optional(schema::text())}});
}

Json to_json(const Token& token) {
    const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    return {{"id", token.id},
            {"name", token.name},
            {"scopes", token.scopes},
            {"created_at", token.created_at},
            {"expires_at", token.expires_at},
            {"last_used_at", or_null(token.last_used_at)},
            {"last_address", or_null(token.last_address)}};
}

HttpResponse list_tokens(const Api& api, const Call& call) {
    Json items = Json::array();
    for (const Token& token : api.tokens().of_user(call.user().id)) items.push_back(to_json(token));
    return make_json({{"items", std::move(items)}});
}

/// A token never does more than its owner; what the role does not allow is refused here rather than at its use.
void check_scopes(const User& user, const std::set<std::string>& scopes) {
    const bool too_much = (user.role < Role::admin && (scopes.contains("configure") || scopes.contains("admin"))) ||
                          (user.role < Role::operate && (scopes.contains("operate") || scopes.contains("ingest"))) ||
                          (!user.phi && scopes.contains("phi"));
    if (too_much) throw invalid("A token cannot do more than you.", {{"/scopes", "scope", "beyond your own role"}});
}

WallTime read_expiry(const Call& call) {
    using Days = std::chrono::duration<int, std::ratio<86'400>>;
    if (!call.body.contains("expires_at")) {
        return call.now + Days(call.body.value("expires_in_days", token_days_default));
    }
    if (call.body.contains("expires_in_days")) {
        throw invalid("A token ends once.", {{"/expires_at", "exclusive", "not together with expires_in_days"}});
    }
    const auto until = parse_rfc3339(call.body["expires_at"].get_ref<const std::string&>());
    if (!until || *until <= call.now || *until > call.now + Days(token_days_max)) {
        throw invalid("Something is wrong with the body.",
                      {{"/expires_at", "range", "must be a time within the next 366 days"}});
    }
    return *until;
}

HttpResponse add_token(const Api& api, const Call& call) {
    const auto scopes = call.body["scopes"].get<std::set<std::string>>();
    check_scopes(call.user(), scopes);
    if (api.tokens().of_user(call.user().id).size() >= tokens_max) {
        throw conflict("too_many_tokens", fmt::format("You have {} tokens; remove some first.", tokens_max));
    }
    const auto made = api.tokens().add(call.user(), call.body["name"], scopes, read_expiry(call), call.now);
    Json content = to_json(made.token);
    content["token"] = made.secret;
    return created(content, "/me/tokens/" + made.token.id);
}

}  // namespace

void add_own_account_operations(Api& api) {
    const std::string tag = "me";
    api.administer({.method = "GET",
                    .path = "/me",
                    .id = "getMe",
                    .summary = "One's own account",
                    .tag = tag,
                    .access = Access::signed_in,
                    .answer = me_schema()},
                   [&api](Call& call) { return show_me(api, call); });
    api.administer({.method = "PATCH",
                    .path = "/me",
                    .id = "patchMe",
                    .summary = "Changes one's preferences, as a merge patch",
                    .tag = tag,
                    .access = Access::signed_in,
                    .body = schema::object({{"preferences", schema::any_object()}}),
                    .answer = me_schema()},
                   [&api](Call& call) { return change_preferences(api, call); });
    api.wait({.method = "PUT",
              .path = "/me/password",
              .id = "putMyPassword",
              .summary = "Sets a new password; other sessions end",
              .tag = tag,
              .access = Access::signed_in,
              .body = schema::object({{"old", schema::text(512)}, {"new", schema::required_text(512)}}),
              .status = 204},
             [&api](Call& call) { return change_password(api, call); });

    api.administer({.method = "GET",
                    .path = "/me/sessions",
                    .id = "listMySessions",
                    .summary = "Where one is signed in",
                    .tag = tag,
                    .access = Access::signed_in,
                    .answer = schema::object({{"items", schema::list_of(session_item_schema())}})},
                   [&api](Call& call) { return list_sessions(api, call); });
    api.administer({.method = "DELETE",
                    .path = "/me/sessions",
                    .id = "endMyOtherSessions",
                    .summary = "Signs out everywhere else",
                    .tag = tag,
                    .access = Access::signed_in,
                    .status = 204},
                   [&api](Call& call) {
                       api.sessions().end_all(call.user().id, call.who->session_id);
                       return no_content();
                   });
    api.administer({.method = "DELETE",
                    .path = "/me/sessions/{id}",
                    .id = "endMySession",
                    .summary = "Signs out at one place",
                    .tag = tag,
                    .access = Access::signed_in,
                    .status = 204},
                   [&api](Call& call) {
                       const bool ended = api.sessions().end(call.user().id, call.parameter("id"));
                       if (!ended) throw not_found("You have no such session.");
                       return no_content();
                   });

    Json new_token = token_schema();
    new_token["properties"]["token"] = schema::text();
    new_token["required"].push_back("token");
    Json scopes = schema::list_of(schema::choice(token_scopes()));
    scopes["minItems"] = 1;
    api.administer({.method = "GET",
                    .path = "/me/tokens",
                    .id = "listMyTokens",
                    .summary = "Tokens for programs",
                    .tag = tag,
                    .access = Access::signed_in,
                    .answer = schema::object({{"items", schema::list_of(token_schema())}})},
                   [&api](Call& call) { return list_tokens(api, call); });
    api.administer({.method = "POST",
                    .path = "/me/tokens",
                    .id = "addMyToken",
                    .summary = "Makes a token, which is shown this once",
                    .tag = tag,
                    .access = Access::signed_in,
                    .body = schema::object({{"name", schema::required_text(100)},
                                            {"scopes", scopes},
                                            {"expires_at?", schema::required_text(40)},
                                            {"expires_in_days?", schema::integer(1, token_days_max)}}),
                    .answer = new_token,
                    .status = 201},
                   [&api](Call& call) { return add_token(api, call); });
    api.administer({.method = "DELETE",
                    .path = "/me/tokens/{id}",
                    .id = "removeMyToken",
                    .summary = "Removes a token",
                    .tag = tag,
                    .access = Access::signed_in,
                    .status = 204},
                   [&api](Call& call) {
                       const bool removed = api.tokens().remove(call.user().id, call.parameter("id"));
                       if (!removed) throw not_found("You have no such token.");
                       return no_content();
                   });
}

}  // namespace quicksilver::api
