#include "quicksilver/store/administration.hpp"

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/schema.hpp"
#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

using database::Connection;
using database::DatabaseError;

namespace {

constexpr std::string_view first_schema = R"sql(
CREATE TABLE secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE COLLATE NOCASE, email TEXT NOT NULL, role TEXT NOT NULL,
    phi INTEGER NOT NULL, disabled INTEGER NOT NULL, source TEXT NOT NULL, password_hash TEXT NOT NULL,
    must_change_password INTEGER NOT NULL, preferences TEXT NOT NULL, version INTEGER NOT NULL,
    created_at TEXT NOT NULL, changed_at TEXT NOT NULL, last_sign_in_at TEXT) STRICT;

CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, created_at TEXT NOT NULL,
    seen_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL) STRICT;
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, name TEXT NOT NULL,
    digest TEXT NOT NULL, scopes TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL,
    last_used_at TEXT, last_address TEXT) STRICT;
CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, user TEXT NOT NULL, address TEXT NOT NULL, action TEXT NOT NULL,
    object TEXT NOT NULL, outcome TEXT NOT NULL, request_id TEXT NOT NULL, revision INTEGER) STRICT;
CREATE INDEX audit_user ON audit (user, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;

CREATE TABLE revisions (
    number INTEGER PRIMARY KEY, time TEXT NOT NULL, author TEXT NOT NULL, source TEXT NOT NULL, message TEXT NOT NULL,
    document TEXT NOT NULL, changes TEXT NOT NULL) STRICT;

CREATE TABLE config_objects (
    kind TEXT NOT NULL, name TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT;
)sql";

constexpr std::string_view attention_marks = R"sql(
CREATE TABLE attention_marks (
    id TEXT PRIMARY KEY, changed_at TEXT NOT NULL, acknowledged_by TEXT NOT NULL, acknowledged_at TEXT NOT NULL,
    acknowledged_text TEXT NOT NULL, muted_until TEXT NOT NULL) STRICT;
)sql";

constexpr std::string_view sources = R"sql(
CREATE TABLE sources (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, comment TEXT NOT NULL, expected_gap_ms INTEGER NOT NULL,
    muted TEXT NOT NULL) STRICT;
)sql";

constexpr std::string_view second_factors = R"sql(
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE, secret TEXT NOT NULL, confirmed INTEGER NOT NULL,
    begun_at TEXT NOT NULL, last_step INTEGER NOT NULL) STRICT;
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, digest TEXT NOT NULL,
    PRIMARY KEY (user_id, digest)) STRICT;
)sql";

const std::vector<database::Migration>& migrations() {
    static const std::vector<database::Migration> all = {
        {1, first_schema}, {2, attention_marks}, {3, sources}, {4, second_factors}};
    return all;
}

/// Made before SQLite opens it, so that it and its neighbours, which take over its mode, are never readable by others.
void make_private(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
}

Connection open_connection(const fs::path& file) {
    make_private(file);
    Connection connection(file, database::Mode::read_write);
    connection.execute("PRAGMA synchronous=FULL");
    database::migrate(connection, migrations());
    return connection;
}

std::string read_or_make_key(Connection& connection) {
    connection.statement("INSERT INTO secrets (name, value) VALUES ('key', ?1) ON CONFLICT (name) DO NOTHING")
        .bind(secrets::random_text())
        .run();
    return connection.text("SELECT value FROM secrets WHERE name = 'key'");
}

Result<fs::path> move_aside(const fs::path& file) {
    const std::string suffix = fmt::format(".corrupt-{}", rfc3339(std::chrono::system_clock::now()));
    for (const char* part : {"", "-wal", "-shm"}) {
        std::error_code error;
        fs::rename(file.string() + part, file.string() + suffix + part, error);
        if (error && error != std::errc::no_such_file_or_directory) {
            return Error{Errc::io,
                         fmt::format("cannot move the damaged database {} aside: {}", file.string(), error.message())};
        }
    }
    return fs::path(file.string() + suffix);
}

}  // namespace

Administration::Administration(Connection connection)
    : connection_(std::move(connection)), key_(read_or_make_key(connection_)) {}

Result<std::unique_ptr<Administration>> Administration::open(const fs::path& file) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) {
        return Error{Errc::io, fmt::format("cannot make the folder {} for the database of accounts: {}",
                                           file.parent_path().string(), error.message())};
    }
    std::string damage;
    try {
        return std::unique_ptr<Administration>(new Administration(open_connection(file)));
    } catch (const DatabaseError& failed) {
        if (!failed.is_corruption()) return failed.to_error();
        damage = failed.what();
    }
    const auto aside = move_aside(file);
    if (!aside) return aside.error();
    try {
        std::unique_ptr<Administration> anew(new Administration(open_connection(file)));
        anew->notice_ = fmt::format(
            "the database of accounts was damaged ({}); it was moved to {} and a new one begun: set up the first "
            "administrator again, or put a copy back",
            damage, aside->string());
        return anew;
    } catch (const DatabaseError& failed) {
        return failed.to_error();
    }
}

std::optional<std::string> Administration::take_notice() {
    return std::exchange(notice_, std::nullopt);
}

fs::path administration_file(const fs::path& bookkeeper_database) {
    return bookkeeper_database.parent_path() / "administration.sqlite";
}

}  // namespace quicksilver
