#include "quicksilver/store/sessions.hpp"

#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace quicksilver {

using database::Statement;

namespace {

constexpr std::string_view token_prefix = "qs_pat_";
/// How exactly the last use is kept: each use would be a write otherwise.
constexpr std::chrono::seconds seen_precision{60};
constexpr std::size_t agent_length_max = 200;

std::int64_t milliseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

WallTime from_milliseconds(std::int64_t time) {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::milliseconds(time)));
}

Session read_session(const Statement& row) {
    Session session;
    session.id = row.text(0);
    session.user_id = row.text(1);
    session.created_at = row.text(2);
    session.seen = from_milliseconds(row.integer(3));
    session.expires = from_milliseconds(row.integer(4));
    session.address = row.text(5);
    session.agent = row.text(6);
    return session;
}

std::set<std::string> split_words(std::string_view text) {
    std::set<std::string> words;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (!word.empty()) words.emplace(word);
    }
    return words;
}

Token read_token(const Statement& row) {
    Token token;
    token.id = row.text(0);
    token.user_id = row.text(1);
    token.name = row.text(2);
    token.scopes = split_words(row.text(3));
    token.created_at = row.text(4);
    token.expires_at = row.text(5);
    token.last_used_at = row.text(6);
    token.last_address = row.text(7);
    return token;
}

}  // namespace

Sessions::New Sessions::begin(const User& user, const std::string& address, const std::string& agent, WallTime now) {
    New made;
    made.secret = secrets::random_text();
    Session& session = made.session;
    session.id = secrets::digest(made.secret);
    session.user_id = user.id;
    session.created_at = rfc3339(now);
    session.seen = now;
    session.expires = now + limits_.absolute;
    session.address = address;
    session.agent = agent.substr(0, agent_length_max);
    connection_
        .statement(
            "INSERT INTO sessions (digest, user_id, created_at, seen_ms, expires_ms, address, agent)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(session.id, session.user_id, session.created_at, milliseconds(session.seen),
              milliseconds(session.expires), session.address, session.agent)
        .run();
    return made;
}

std::optional<std::pair<Session, User>> Sessions::find(std::string_view secret, WallTime now, bool in_use) {
    std::optional<Session> session;
    {
        auto row = connection_.statement(
            "SELECT digest, user_id, created_at, seen_ms, expires_ms, address, agent FROM sessions WHERE digest = ?1");
        row.bind(secrets::digest(secret));
        if (row.step()) session = read_session(row);
    }
    if (!session || now >= session->expires || now >= session->seen + limits_.idle) return std::nullopt;
    auto user = accounts_.find(session->user_id);
    if (!user || user->disabled) return std::nullopt;
    if (in_use && now >= session->seen + seen_precision) {
        connection_.statement("UPDATE sessions SET seen_ms = ?2 WHERE digest = ?1")
            .bind(session->id, milliseconds(now))
            .run();
        session->seen = now;
    }
    return std::make_pair(std::move(*session), std::move(*user));
}

std::vector<Session> Sessions::of_user(std::string_view user_id, WallTime now) {
    std::vector<Session> sessions;
    auto row = connection_.statement(
        "SELECT digest, user_id, created_at, seen_ms, expires_ms, address, agent FROM sessions"
        " WHERE user_id = ?1 AND expires_ms > ?2 AND seen_ms > ?3 ORDER BY seen_ms DESC");
    row.bind(user_id, milliseconds(now), milliseconds(now - limits_.idle));
    while (row.step()) sessions.push_back(read_session(row));
    return sessions;
}

bool Sessions::end(std::string_view user_id, std::string_view id) {
    connection_.statement("DELETE FROM sessions WHERE user_id = ?1 AND digest = ?2").bind(user_id, id).run();
    return connection_.number("SELECT changes()") > 0;
}

void Sessions::end_all(std::string_view user_id, std::string_view except_id) {
    connection_.statement("DELETE FROM sessions WHERE user_id = ?1 AND digest <> ?2").bind(user_id, except_id).run();
}

void Sessions::forget_expired(WallTime now) {
    connection_.statement("DELETE FROM sessions WHERE expires_ms <= ?1 OR seen_ms <= ?2")
        .bind(milliseconds(now), milliseconds(now - limits_.idle))
        .run();
}

const std::vector<std::string>& token_scopes() {
    static const std::vector<std::string> all = {"read", "operate", "configure", "admin", "ingest", "metrics", "phi"};
    return all;
}

Tokens::New Tokens::add(const User& user, const std::string& name, const std::set<std::string>& scopes,
                        WallTime expires, WallTime now) {
    New made;
    // Without `-` and `_`, at which the parts are told from each other.
    made.token.id = secrets::digest(secrets::random_text()).substr(0, 12);
    made.secret = fmt::format("{}{}_{}", token_prefix, made.token.id, secrets::random_text());
    made.token.user_id = user.id;
    made.token.name = name;
    made.token.scopes = scopes;
    made.token.created_at = rfc3339(now);
    made.token.expires_at = rfc3339(expires);
    connection_
        .statement(
            "INSERT INTO tokens (id, user_id, name, digest, scopes, created_at, expires_at)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(made.token.id, user.id, name, secrets::digest(made.secret), fmt::format("{}", fmt::join(scopes, " ")),
              made.token.created_at, made.token.expires_at)
        .run();
    return made;
}

std::optional<Tokens::Found> Tokens::find(std::string_view secret, const std::string& address, WallTime now) {
    if (!secret.starts_with(token_prefix)) return std::nullopt;
    const std::string_view rest = secret.substr(token_prefix.size());
    const std::string_view id = rest.substr(0, rest.find('_'));
    std::optional<Token> token;
    {
        auto row = connection_.statement(
            "SELECT id, user_id, name, scopes, created_at, expires_at, last_used_at, last_address, digest FROM tokens"
            " WHERE id = ?1");
        row.bind(id);
        if (row.step() && secrets::equal(row.text(8), secrets::digest(secret))) token = read_token(row);
    }
    const std::string time = rfc3339(now);
    if (!token || token->expires_at <= time) return std::nullopt;
    auto user = accounts_.find(token->user_id);
    if (!user || user->disabled) return std::nullopt;
    Found found;
    found.new_address = token->last_address != address;
    const bool long_ago = token->last_used_at.empty() || token->last_used_at <= rfc3339(now - seen_precision);
    if (found.new_address || long_ago) {
        connection_.statement("UPDATE tokens SET last_used_at = ?2, last_address = ?3 WHERE id = ?1")
            .bind(token->id, time, address)
            .run();
    }
    found.token = std::move(*token);
    found.user = std::move(*user);
    return found;
}

std::vector<Token> Tokens::of_user(std::string_view user_id) {
    std::vector<Token> tokens;
    auto row = connection_.statement(
        "SELECT id, user_id, name, scopes, created_at, expires_at, last_used_at, last_address FROM tokens"
        " WHERE user_id = ?1 ORDER BY created_at DESC, id");
    row.bind(user_id);
    while (row.step()) tokens.push_back(read_token(row));
    return tokens;
}

bool Tokens::remove(std::string_view user_id, std::string_view id) {
    connection_.statement("DELETE FROM tokens WHERE user_id = ?1 AND id = ?2").bind(user_id, id).run();
    return connection_.number("SELECT changes()") > 0;
}

void Tokens::remove_all(std::string_view user_id) {
    connection_.statement("DELETE FROM tokens WHERE user_id = ?1").bind(user_id).run();
}

}  // namespace quicksilver
