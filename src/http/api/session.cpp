#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"

#include "accounts_json.hpp"
#include "api.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

/// Passwords that wait to be checked; beyond it a try is refused, as each costs memory and a core for a while.
constexpr int checks_waiting_max = 32;

struct Candidate {
    std::optional<User> user;
    std::string hash;
};

Candidate find_candidate(const Api& api, const std::string& username) {
    Candidate candidate;
    candidate.user = api.accounts().find_by_name(username);
    if (candidate.user) candidate.hash = api.accounts().password_hash(candidate.user->id);
    return candidate;
}

ProblemError wrong_password() {
    return ProblemError(401, "wrong_credentials", "The name or the password is wrong.");
}

ProblemError throttled(std::chrono::milliseconds wait) {
    const auto seconds = (wait.count() + 999) / 1000;
    return ProblemError(429, "throttled",
                        fmt::format("Too many failed tries; the next one is possible in {} s.", seconds))
        .with_header("Retry-After", std::to_string(seconds));
}

/// Counts what runs on the passwords pool or waits for it.
class Place {
public:
    explicit Place(int& waiting) : waiting_(waiting) {
        if (waiting_ >= checks_waiting_max) {
            throw ProblemError(503, "busy", "Too many sign in at once; try again in a moment.")
                .with_header("Retry-After", "2");
        }
        ++waiting_;
    }
    ~Place() { --waiting_; }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

private:
    int& waiting_;
};

asio::awaitable<HttpResponse> sign_in(Api& api, Call& call, int& waiting) {
    const std::string username = call.body["username"];
    const std::string password = call.body["password"];
    call.audited_user = username.substr(0, 64);
    const auto wait = api.throttle().try_now(username, call.request.address, call.steady_now);
    if (wait.count() > 0) throw throttled(wait);
    const Place place(waiting);

    const ApiServices& services = api.services();
    auto find = [&] { return find_candidate(api, username); };
    const Candidate candidate = co_await run_blocking(services.administration_pool, find);
    // Who does not exist, or has no password, takes the same time as a wrong password.
    const bool has_password = candidate.user && secrets::is_argon2(candidate.hash);
    const std::string hash(has_password ? std::string_view(candidate.hash) : secrets::hash_of_nobody());
    auto verify = [&] { return secrets::verify_password(hash, password); };
    const bool matches = co_await run_blocking(services.passwords_pool, verify);
    if (!matches || !has_password || candidate.user->disabled) {
        api.throttle().failed(username, call.request.address, call.steady_now);
        services.log.warn("sign-in failed", kv("address", call.request.address));
        throw wrong_password();
    }
    api.throttle().succeeded(username, call.request.address);

    std::string better_hash;
    if (secrets::needs_rehash(hash, services.hash_cost)) {
        auto rehash = [&] { return secrets::hash_password(password, services.hash_cost); };
        better_hash = co_await run_blocking(services.passwords_pool, rehash);
    }
    auto begin = [&] {
        // Somebody may have reset the password or switched the account off while this one was being checked.
        const Candidate now = find_candidate(api, username);
        if (!now.user || now.user->id != candidate.user->id || now.user->disabled || now.hash != candidate.hash) {
            throw wrong_password();
        }
        const User& user = *now.user;
        if (!better_hash.empty()) {
            api.accounts().set_password(user.id, better_hash, user.must_change_password, call.now);
        }
        // Signing in over an old session ends that one.
        if (call.who && !call.who->by_token()) api.sessions().end(call.who->user.id, call.who->session_id);
        return begin_session(api, call, user);
    };
    co_return co_await run_blocking(services.administration_pool, begin);
}

HttpResponse show_session(const Api& api, const Call& call) {
    if (call.who->by_token()) throw conflict("no_session", "A token has no session.");
    for (const Session& session : api.sessions().of_user(call.user().id, call.now)) {
        if (session.id == call.who->session_id) return make_json(session_json(api, call.user(), session));
    }
    throw ProblemError(401, "unauthenticated", "The session has ended; sign in again.");
}

HttpResponse sign_out(const Api& api, const Call& call) {
    if (call.who->by_token()) throw conflict("no_session", "A token has no session.");
    api.sessions().end(call.user().id, call.who->session_id);
    HttpResponse response = no_content();
    response.headers.emplace_back("Set-Cookie", ended_session_cookie(call.request));
    return response;
}

bool is_set_up(const Api& api) {
    return api.accounts().count() > 0;
}

asio::awaitable<HttpResponse> setup_state(Api& api, Call& call) {
    auto ask = [&] { return is_set_up(api); };
    const bool done = co_await run_blocking(api.services().administration_pool, ask);
    if (!done) api.services().setup_code.refresh(call.steady_now);
    co_return make_json({{"state", done ? "done" : "open"}});
}

asio::awaitable<HttpResponse> set_up(Api& api, Call& call) {
    const ApiServices& services = api.services();
    const std::string username = call.body["username"];
    const auto done_already = conflict("set_up", "There are users already; sign in.");
    auto ask = [&] { return is_set_up(api); };
    const bool done = co_await run_blocking(services.administration_pool, ask);
    if (done) throw done_already;
    call.audited_user = username.substr(0, 64);
    const auto wait = api.throttle().try_now("(setup)", call.request.address, call.steady_now);
    if (wait.count() > 0) throw throttled(wait);
    if (!services.setup_code.matches(call.body["setup_code"].get<std::string>(), call.steady_now)) {
        throw ProblemError(403, "wrong_setup_code",
                           "This is not the setup code; the server's console and the file run/setup-code have it.");
    }
    const std::string password = call.body["password"];
    const std::string hash = co_await hash_new_password(api, password, username, "/password");
    auto make = [&] {
        // Two at once: only the first one makes the first administrator.
        if (is_set_up(api)) throw done_already;
        User user;
        user.username = username;
        user.role = Role::admin;
        user.phi = true;
        auto made = api.accounts().add(user, hash, call.now);
        if (!made) throw invalid(made.error().message, {{"/username", "name", made.error().message}});
        return begin_session(api, call, *made);
    };
    HttpResponse response = co_await run_blocking(services.administration_pool, make);
    services.setup_code.retire();
    co_return response;
}

}  // namespace

void add_session_operations(Api& api) {
    const auto waiting = std::make_shared<int>(0);
    const std::string tag = "session";

    api.wait({.method = "GET",
              .path = "/setup",
              .id = "getSetup",
              .summary = "Whether the first administrator is still to be made",
              .tag = tag,
              .access = Access::anyone,
              .answer = schema::object({{"state", schema::choice({"open", "done"})}})},
             [&api](Call& call) { return setup_state(api, call); });
    api.wait({.method = "POST",
              .path = "/setup",
              .id = "setUp",
              .summary = "Makes the first administrator and signs in",
              .tag = tag,
              .access = Access::anyone,
              .body = schema::object({{"setup_code", schema::required_text(64)},
                                      {"username", schema::required_text(64)},
                                      {"password", schema::required_text(512)}}),
              .answer = session_schema(),
              .status = 201},
             [&api](Call& call) { return set_up(api, call); });
    api.wait(
        {.method = "POST",
         .path = "/session",
         .id = "signIn",
         .summary = "Signs in",
         .tag = tag,
         .access = Access::anyone,
         .body = schema::object({{"username", schema::required_text(64)}, {"password", schema::required_text(512)}}),
         .answer = session_schema(),
         .status = 201},
        [&api, waiting](Call& call) { return sign_in(api, call, *waiting); });
    api.administer({.method = "GET",
                    .path = "/session",
                    .id = "getSession",
                    .summary = "Who is signed in, and the token that changes need",
                    .tag = tag,
                    .access = Access::signed_in,
                    .answer = session_schema()},
                   [&api](Call& call) { return show_session(api, call); });
    api.administer({.method = "DELETE",
                    .path = "/session",
                    .id = "signOut",
                    .summary = "Signs out",
                    .tag = tag,
                    .access = Access::signed_in,
                    .status = 204},
                   [&api](Call& call) { return sign_out(api, call); });
}

}  // namespace quicksilver::api
