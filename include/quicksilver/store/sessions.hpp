#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/accounts.hpp"
#include "quicksilver/store/administration.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

struct SessionLimits {
    std::chrono::seconds idle{std::chrono::minutes(30)};
    std::chrono::seconds absolute{std::chrono::hours(12)};
};

struct Session {
    std::string id;  ///< SHA-256 of what the cookie holds; shown to its owner
    std::string user_id;
    std::string created_at;
    WallTime seen;
    WallTime expires;
    std::string address, agent;
};

/// Sessions of browsers. They live here and not in the cookie, so that ending one, demoting or removing its user counts
/// at once. Throws DatabaseError. One thread at a time.
class Sessions {
public:
    Sessions(Administration& administration, SessionLimits limits)
        : connection_(administration.connection()), accounts_(administration), limits_(limits) {}

    struct New {
        std::string secret;  ///< for the cookie; kept nowhere
        Session session;
    };
    New begin(const User& user, const std::string& address, const std::string& agent, WallTime now);
    /// The session of that cookie and its user, if it still counts; notes that it was seen.
    /// `in_use`: a person does something, so the session counts as used; without it, it is only looked at.
    std::optional<std::pair<Session, User>> find(std::string_view secret, WallTime now, bool in_use = true);
    std::vector<Session> of_user(std::string_view user_id, WallTime now);
    /// False when the user has no such session.
    bool end(std::string_view user_id, std::string_view id);
    void end_all(std::string_view user_id, std::string_view except_id = "");
    void forget_expired(WallTime now);

    const SessionLimits& limits() const { return limits_; }

private:
    database::Connection& connection_;
    Accounts accounts_;
    SessionLimits limits_;
};

struct Token {
    std::string id;
    std::string user_id;
    std::string name;
    std::set<std::string> scopes;
    std::string created_at, expires_at, last_used_at, last_address;
};

/// What a token may be good for: read, operate, configure, admin, ingest, metrics, phi.
const std::vector<std::string>& token_scopes();

/// Tokens for programs: `qs_pat_<id>_<secret>`, of which only the SHA-256 is kept. Throws DatabaseError.
class Tokens {
public:
    explicit Tokens(Administration& administration)
        : connection_(administration.connection()), accounts_(administration) {}

    struct New {
        std::string secret;  ///< the whole token, shown once
        Token token;
    };
    New add(const User& user, const std::string& name, const std::set<std::string>& scopes, WallTime expires,
            WallTime now);
    struct Found {
        Token token;
        User user;
        bool new_address = false;  ///< used from there for the first time since it was used elsewhere
    };
    std::optional<Found> find(std::string_view secret, const std::string& address, WallTime now);
    std::vector<Token> of_user(std::string_view user_id);
    bool remove(std::string_view user_id, std::string_view id);
    void remove_all(std::string_view user_id);

private:
    database::Connection& connection_;
    Accounts accounts_;
};

}  // namespace quicksilver
