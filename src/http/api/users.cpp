#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/mercure_users.hpp"

#include "accounts_json.hpp"
#include "api.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr std::size_t audited_length_max = 8000;

/// What an administrator writes; the rest of a user is the server's.
std::vector<std::pair<std::string, Json>> writable(bool all_optional) {
    const std::string may_miss = all_optional ? "?" : "";
    return {{"username" + may_miss, schema::required_text(64)},
            {"email?", schema::text(200)},
            {"role" + may_miss, schema::choice({"viewer", "operator", "admin"})},
            {"phi?", schema::boolean()},
            {"disabled?", schema::boolean()}};
}

/// The audit names them, as nobody knows an id by heart.
User existing(const Api& api, Call& call) {
    auto user = api.accounts().find(call.parameter("id"));
    if (!user) throw not_found("There is no such user.");
    call.audited_object = user->username;
    return *std::move(user);
}

ProblemError refusal(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return not_found(error.message);
        case Errc::already_exists:
            return ProblemError(409, "name_taken", error.message, {{"/username", "taken", error.message}});
        case Errc::refused:
            return conflict("last_admin", error.message);
        default:
            return invalid(error.message, {{"/username", "name", error.message}});
    }
}

UserChange read_change(const Call& call) {
    const Json& body = call.body;
    UserChange change;
    if (call.operation.method == "PUT") {  // what is left out is as on a new account
        change.email = "";
        change.phi = false;
        change.disabled = false;
    }
    if (body.contains("username")) change.username = body["username"];
    if (body.contains("email")) change.email = body["email"];
    if (body.contains("role")) change.role = parse_role(body["role"].get<std::string>());
    if (body.contains("phi")) change.phi = body["phi"];
    if (body.contains("disabled")) change.disabled = body["disabled"];
    return change;
}

/// For the audit: `anna: role viewer → admin, phi false → true`. The address itself is nobody's business there.
std::string described(const User& before, const User& after) {
    std::string changes;
    const auto add = [&](const std::string& change) { changes += (changes.empty() ? ": " : ", ") + change; };
    const auto add_values = [&](const char* field, const auto& from, const auto& to) {
        if (from != to) add(fmt::format("{} {} → {}", field, from, to));
    };
    add_values("username", before.username, after.username);
    if (before.email != after.email) add("email");
    add_values("role", to_string(before.role), to_string(after.role));
    add_values("phi", before.phi, after.phi);
    add_values("disabled", before.disabled, after.disabled);
    return before.username + changes;
}

std::string described(const User& made) {
    return fmt::format("{}: role {}, phi {}, disabled {}", made.username, to_string(made.role), made.phi,
                       made.disabled);
}

HttpResponse show(const Call& call, const User& user) {
    return with_etag(call, make_json(to_json(user)), user_etag(user));
}

HttpResponse list_users(const Api& api) {
    Json items = Json::array();
    for (const User& user : api.accounts().list()) items.push_back(to_json(user));
    return make_json({{"items", std::move(items)}});
}

asio::awaitable<HttpResponse> add_user(Api& api, Call& call) {
    User user;
    user.username = call.body["username"];
    user.email = call.body.value("email", "");
    user.role = parse_role(call.body["role"].get<std::string>()).value_or(Role::viewer);
    user.phi = call.body.value("phi", false);
    user.disabled = call.body.value("disabled", false);
    user.must_change_password = true;
    const std::string password = call.body["password"];
    const std::string hash = co_await hash_new_password(api, password, user.username, "/password");
    auto add = [&] {
        auto made = api.accounts().add(user, hash, call.now);
        if (!made) throw refusal(made.error());
        call.audited_object = described(*made);
        HttpResponse response = created(to_json(*made), "/users/" + made->id);
        response.headers.emplace_back("ETag", user_etag(*made));
        return response;
    };
    co_return co_await run_blocking(api.services().administration_pool, add);
}

HttpResponse change_user(const Api& api, Call& call) {
    const User before = existing(api, call);
    require_match(call, user_etag(before), to_json(before));
    auto after = api.accounts().change(before.id, read_change(call), call.now);
    if (!after) throw refusal(after.error());
    call.audited_object = described(before, *after);
    // What a session may do is read anew at each request; ending them makes the person sign in under the new role.
    if (after->role != before.role || after->disabled || after->phi != before.phi) api.sessions().end_all(before.id);
    return show(call, *after);
}

HttpResponse remove_user(const Api& api, Call& call) {
    const User user = existing(api, call);
    require_match(call, user_etag(user), to_json(user));
    auto removed = api.accounts().remove(user.id);
    if (!removed) throw refusal(removed.error());
    return no_content();
}

/// Takes over the accounts of mercure; who is here already stays as they are.
HttpResponse import_users(const Api& api, Call& call) {
    const auto users = parse_mercure_users(call.body.dump());
    if (!users) throw invalid(users.error().message, {{"", "format", users.error().message}});
    Accounts accounts = api.accounts();
    Json report = Json::array();
    std::string added;
    for (const MercureUser& one : *users) {
        Result<void> done = accounts.may_add(one.user.username);
        if (done && !call.is_dry_run()) {
            if (const auto made = accounts.add(one.user, one.hash, call.now); !made) done = made.error();
            if (done) added += (added.empty() ? "" : "; ") + described(one.user);
        }
        const bool exists = !done && done.error().code == Errc::already_exists;
        const std::string problem = done ? one.remark : done.error().message;
        report.push_back({{"username", one.user.username},
                          {"role", to_string(one.user.role)},
                          {"action", done     ? "added"
                                     : exists ? "kept"
                                              : "refused"},
                          {"problem", problem.empty() ? Json() : Json(problem)}});
    }
    call.audited_object = added.substr(0, audited_length_max);
    return make_json({{"report", std::move(report)}});
}

asio::awaitable<HttpResponse> reset_password(Api& api, Call& call) {
    auto find = [&] { return existing(api, call); };
    const User user = co_await run_blocking(api.services().administration_pool, find);
    const std::string password = call.body["password"];
    const std::string hash = co_await hash_new_password(api, password, user.username, "/password");
    auto store = [&] {
        api.accounts().set_password(user.id, hash, true, call.now);
        api.sessions().end_all(user.id);
        api.tokens().remove_all(user.id);  // whoever knew the old password may have made some
        return no_content();
    };
    HttpResponse response = co_await run_blocking(api.services().administration_pool, store);
    api.throttle().forgive(user.username);
    co_return response;
}

asio::awaitable<HttpResponse> unlock(Api& api, Call& call) {
    auto find = [&] { return existing(api, call); };
    const User user = co_await run_blocking(api.services().administration_pool, find);
    api.throttle().forgive(user.username);
    co_return no_content();
}

HttpResponse reset_second_factor(const Api& api, Call& call) {
    const User user = existing(api, call);
    if (!api.second_factors().remove(user.id)) throw conflict("no_second_factor", "The user has no second factor.");
    api.sessions().end_all(user.id);
    return no_content();
}

}  // namespace

void add_user_operations(Api& api) {
    const std::string tag = "users";
    auto new_user = writable(false);
    new_user.emplace_back("password", schema::required_text(512));

    api.administer({.method = "GET",
                    .path = "/users",
                    .id = "listUsers",
                    .summary = "All accounts",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .answer = schema::object({{"items", schema::list_of(user_schema())}})},
                   [&api](Call&) { return list_users(api); });
    api.wait({.method = "POST",
              .path = "/users",
              .id = "addUser",
              .summary = "Makes an account, whose password must be changed at the first sign-in",
              .tag = tag,
              .access = Access::admin,
              .scope = "admin",
              .body = schema::object(new_user),
              .answer = user_schema(),
              .status = 201},
             [&api](Call& call) { return add_user(api, call); });
    const Json imported = schema::object({{"username", schema::text(10'000)},
                                          {"role", schema::choice({"viewer", "operator", "admin"})},
                                          {"action", schema::choice({"added", "kept", "refused"})},
                                          {"problem", schema::optional(schema::text(10'000))}});
    api.administer({.method = "POST",
                    .path = "/users/import",
                    .id = "importUsers",
                    .summary = "Takes over the accounts of a users.json of mercure, with their passwords",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .query = {{"dry_run", schema::boolean(), "Show the report, without making accounts."}},
                    .body = schema::any_object(),
                    .answer = schema::object({{"report", schema::list_of(imported)}})},
                   [&api](Call& call) { return import_users(api, call); });
    api.administer({.method = "GET",
                    .path = "/users/{id}",
                    .id = "getUser",
                    .summary = "One account",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .answer = user_schema(),
                    .also = {304}},
                   [&api](Call& call) { return show(call, existing(api, call)); });
    api.administer({.method = "PUT",
                    .path = "/users/{id}",
                    .id = "putUser",
                    .summary = "Replaces an account",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .body = schema::object(writable(false)),
                    .answer = user_schema(),
                    .conditional = true},
                   [&api](Call& call) { return change_user(api, call); });
    api.administer({.method = "PATCH",
                    .path = "/users/{id}",
                    .id = "patchUser",
                    .summary = "Changes an account",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .body = schema::object(writable(true)),
                    .answer = user_schema(),
                    .conditional = true},
                   [&api](Call& call) { return change_user(api, call); });
    api.administer({.method = "DELETE",
                    .path = "/users/{id}",
                    .id = "removeUser",
                    .summary = "Removes an account",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .status = 204,
                    .conditional = true},
                   [&api](Call& call) { return remove_user(api, call); });
    api.wait({.method = "POST",
              .path = "/users/{id}/actions/reset-password",
              .id = "resetPassword",
              .summary = "Sets a password that must be changed at the next sign-in",
              .tag = tag,
              .access = Access::admin,
              .scope = "admin",
              .body = schema::object({{"password", schema::required_text(512)}}),
              .status = 204},
             [&api](Call& call) { return reset_password(api, call); });
    api.wait({.method = "POST",
              .path = "/users/{id}/actions/unlock",
              .id = "unlockUser",
              .summary = "Forgets failed sign-ins, so that the next one need not wait",
              .tag = tag,
              .access = Access::admin,
              .scope = "admin",
              .status = 204},
             [&api](Call& call) { return unlock(api, call); });
    api.administer({.method = "POST",
                    .path = "/users/{id}/actions/end-sessions",
                    .id = "endSessions",
                    .summary = "Signs the user out everywhere and revokes their tokens",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .status = 204},
                   [&api](Call& call) {
                       const User user = existing(api, call);
                       api.sessions().end_all(user.id);
                       api.tokens().remove_all(user.id);
                       return no_content();
                   });
    api.administer({.method = "POST",
                    .path = "/users/{id}/actions/reset-second-factor",
                    .id = "resetSecondFactor",
                    .summary = "Removes the second factor of who has lost theirs, and signs them out everywhere",
                    .tag = tag,
                    .access = Access::admin,
                    .scope = "admin",
                    .status = 204},
                   [&api](Call& call) { return reset_second_factor(api, call); });
}

}  // namespace quicksilver::api
