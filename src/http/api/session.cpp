#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"

#include "accounts_json.hpp"
#include "api.hpp"
#include "sign_in_checks.hpp"

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

/// What became of a try on the administration's thread.
struct Outcome {
    enum { signed_in, refused, other_hash, code_missing, code_wrong } what = refused;
    HttpResponse response;
};

/// The password was right for `candidate`, but meanwhile somebody may have changed it or switched the account off.
Outcome try_to_begin(const Api& api, Call& call, Candidate& candidate, const std::string& better_hash,
                     const std::string& code) {
    Candidate now = find_candidate(api, candidate.user->username);
    if (!now.user || now.user->id != candidate.user->id || now.user->disabled) return {};
    if (now.hash != candidate.hash) {
        candidate = std::move(now);
        return {Outcome::other_hash, {}};
    }
    const User& user = *now.user;
    if (user.second_factor && code.empty()) return {Outcome::code_missing, {}};
    if (user.second_factor && !api.second_factors().accept(user.id, code, call.now)) return {Outcome::code_wrong, {}};
    if (!better_hash.empty()) {
        api.accounts().set_password(user.id, better_hash, user.must_change_password, call.now);
    }
    // Signing in over an old session ends that one.
    if (call.who && !call.who->by_token()) api.sessions().end(call.who->user.id, call.who->session_id);
    return {Outcome::signed_in, begin_session(api, call, user)};
}

class SignIn {
public:
    SignIn(Api& api, Call& call)
        : api_(api),
          call_(call),
          username_(call.body["username"]),
          password_(call.body["password"]),
          code_(call.body.value("totp", "")) {}

    asio::awaitable<HttpResponse> run() {
        const ApiServices& services = api_.services();
        auto find = [&] { return find_candidate(api_, username_); };
        Candidate candidate = co_await run_blocking(services.administration_pool, find);
        Outcome outcome = co_await try_once(candidate);
        // Another sign-in at the same time may have stored a better hash of the same password.
        if (outcome.what == Outcome::other_hash) outcome = co_await try_once(candidate);
        SignInThrottle& throttle = api_.throttle();
        switch (outcome.what) {
            case Outcome::signed_in:
                throttle.succeeded(username_, call_.request.address);
                break;
            case Outcome::code_missing:
                call_.audited_object = "(the password was right, the second factor is missing)";
                throw ProblemError(401, "second_factor_required", "Send the code of the second factor, too: totp.");
            case Outcome::code_wrong:
                throttle.code_failed(username_, call_.request.address, call_.steady_now);
                services.log.warn("sign-in failed at the second factor", kv("address", call_.request.address));
                call_.audited_object = "(the password was right, the second factor was wrong)";
                throw ProblemError(401, "wrong_second_factor",
                                   "This code is wrong or was used already; wait for the next one.");
            default:
                throttle.failed(username_, call_.request.address, call_.steady_now);
                services.log.warn("sign-in failed", kv("address", call_.request.address));
                throw ProblemError(401, "wrong_credentials", "The name or the password is wrong.");
        }
        co_return std::move(outcome.response);
    }

private:
    asio::awaitable<Outcome> try_once(Candidate& candidate) {
        const ApiServices& services = api_.services();
        // Who does not exist, or has no password, takes the same time as a wrong password.
        const bool has_password = candidate.user && secrets::is_argon2(candidate.hash);
        const std::string hash(has_password ? std::string_view(candidate.hash) : secrets::hash_of_nobody());
        auto verify = [&] { return secrets::verify_password(hash, password_); };
        const bool matches = co_await run_blocking(services.passwords_pool, verify);
        if (!matches || !has_password || candidate.user->disabled) co_return Outcome{};
        if (candidate.user->second_factor && !code_.empty()) check_code_throttle(api_, call_, username_);
        std::string better_hash;
        if (secrets::needs_rehash(hash, services.hash_cost)) {
            auto rehash = [&] { return secrets::hash_password(password_, services.hash_cost); };
            better_hash = co_await run_blocking(services.passwords_pool, rehash);
        }
        auto begin = [&] { return try_to_begin(api_, call_, candidate, better_hash, code_); };
        co_return co_await run_blocking(services.administration_pool, begin);
    }

    Api& api_;
    Call& call_;
    const std::string username_, password_, code_;
};

asio::awaitable<HttpResponse> sign_in(Api& api, Call& call, int& waiting) {
    const std::string username = call.body["username"];
    call.audited_user = username.substr(0, 64);
    check_throttle(api, call, username);
    const Place place(waiting);
    SignIn one(api, call);
    co_return co_await one.run();
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
    check_throttle(api, call, "(setup)");
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
    api.wait({.method = "POST",
              .path = "/session",
              .id = "signIn",
              .summary = "Signs in",
              .tag = tag,
              .access = Access::anyone,
              .body = schema::object({{"username", schema::required_text(64)},
                                      {"password", schema::required_text(512)},
                                      {"totp?", schema::text(64)}}),
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
