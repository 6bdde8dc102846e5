#include "quicksilver/store/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cassert>
#include <map>
#include <tuple>
#include <utility>

namespace quicksilver::database {

namespace {

constexpr int busy_timeout_ms = 5000;
/// Pages of 4 KiB that may wait in the write-ahead log before a commit moves them into the file.
constexpr int checkpoint_pages = 1000;
/// What the log file is cut to after a checkpoint.
constexpr long long log_bytes_max = 16LL << 20;

int primary(int code) {
    return code & 0xff;
}

[[noreturn]] void fail(sqlite3* connection, std::string_view doing) {
    const int code = sqlite3_extended_errcode(connection);
    throw DatabaseError(primary(code), fmt::format("database: {}: {}", doing, sqlite3_errmsg(connection)));
}

struct CachedStatement {
    sqlite3_stmt* statement = nullptr;
    bool in_use = false;
};

sqlite3_stmt* prepare(sqlite3* connection, std::string_view sql, unsigned flags) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(connection, sql.data(), static_cast<int>(sql.size()), flags, &statement, nullptr) !=
        SQLITE_OK) {
        fail(connection, fmt::format("prepare \"{}\"", sql));
    }
    return statement;
}

}  // namespace

DatabaseError DatabaseError::corruption(const std::string& message) {
    return DatabaseError(SQLITE_CORRUPT, message);
}

bool DatabaseError::is_corruption() const {
    return code_ == SQLITE_CORRUPT || code_ == SQLITE_NOTADB;
}

bool DatabaseError::is_unreadable() const {
    return is_corruption() || code_ == SQLITE_CANTOPEN || code_ == SQLITE_PERM;
}

Error DatabaseError::to_error() const {
    switch (code_) {
        case SQLITE_FULL:
            return Error{Errc::no_space, what()};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Error{Errc::busy, what()};
        case SQLITE_CANTOPEN:
            return Error{Errc::not_found, what()};
        case SQLITE_MISMATCH:
        case SQLITE_CONSTRAINT:
        case SQLITE_ERROR:
            return Error{Errc::invalid, what()};
        default:
            return Error{Errc::io, what()};
    }
}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), in_use_(std::exchange(other.in_use_, nullptr)) {}

Statement::~Statement() {
    if (statement_ == nullptr) return;
    if (in_use_ == nullptr) {
        sqlite3_finalize(statement_);
        return;
    }
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);  // reset keeps them, and with them the texts of the last row
    *in_use_ = false;
}

bool Statement::step() {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail();
    return false;
}

void Statement::run() {
    while (step()) {
    }
    sqlite3_reset(statement_);
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string Statement::text(int column) const {
    const unsigned char* text = sqlite3_column_text(statement_, column);
    if (text == nullptr) return {};
    return std::string(reinterpret_cast<const char*>(text),
                       static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Statement::bind_at(int index, std::int64_t value) {
    if (sqlite3_bind_int64(statement_, index, value) != SQLITE_OK) fail();
}

void Statement::bind_at(int index, std::string_view value) {
    // An empty view may have no address, which SQLite would take for NULL.
    const char* text = value.empty() ? "" : value.data();
    // SQLite 3.40 has no SQLITE_TRANSIENT without an old-style cast; it is the address -1.
    const auto copy_it = reinterpret_cast<sqlite3_destructor_type>(-1);
    if (sqlite3_bind_text64(statement_, index, text, value.size(), copy_it, SQLITE_UTF8) != SQLITE_OK) fail();
}

void Statement::bind_at(int index, std::nullptr_t) {
    if (sqlite3_bind_null(statement_, index) != SQLITE_OK) fail();
}

void Statement::fail() const {
    database::fail(sqlite3_db_handle(statement_), sqlite3_sql(statement_));
}

struct Connection::State {
    using Place = std::tuple<std::string_view, unsigned, unsigned>;  // file, line, column

    sqlite3* connection = nullptr;
    std::map<Place, CachedStatement> statements;

    ~State() {
        for (auto& [place, cached] : statements) sqlite3_finalize(cached.statement);
        sqlite3_close_v2(connection);
    }
};

Connection::Connection(const std::filesystem::path& file, Mode mode) : state_(std::make_unique<State>()) {
    const int access = mode == Mode::read_write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    // One thread at a time uses a connection, so SQLite need not lock (Debian builds it to lock by default).
    const int flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int opened = sqlite3_open_v2(file.c_str(), &state_->connection, flags, nullptr);
    if (state_->connection == nullptr) throw DatabaseError(SQLITE_NOMEM, "database: out of memory");
    if (opened != SQLITE_OK) fail(state_->connection, fmt::format("open {}", file.string()));

    sqlite3_busy_timeout(state_->connection, busy_timeout_ms);
    execute("PRAGMA foreign_keys=ON");
    if (mode == Mode::read_only) return;
    execute("PRAGMA journal_mode=WAL");
    // Survives a crash of the program; a power cut may cost the last commits, which the folders can rebuild.
    execute("PRAGMA synchronous=NORMAL");
    execute(fmt::format("PRAGMA wal_autocheckpoint={}", checkpoint_pages));
    execute(fmt::format("PRAGMA journal_size_limit={}", log_bytes_max));
}

Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Statement Connection::statement(std::string_view sql, std::source_location where) {
    CachedStatement& cached = state_->statements[State::Place(where.file_name(), where.line(), where.column())];
    // Asked for again while the first is still reading: a second one for this time.
    if (cached.in_use) return Statement(prepare(state_->connection, sql, 0), nullptr);
    if (cached.statement == nullptr) cached.statement = prepare(state_->connection, sql, SQLITE_PREPARE_PERSISTENT);
    assert(sql == sqlite3_sql(cached.statement) && "the text of a cached statement must be a constant");
    cached.in_use = true;
    return Statement(cached.statement, &cached.in_use);
}

void Connection::execute(const std::string& sql) {
    if (sqlite3_exec(state_->connection, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(state_->connection, sql.substr(0, 200));
    }
}

std::int64_t Connection::number(const std::string& sql) {
    Statement query(prepare(state_->connection, sql, 0), nullptr);
    return query.step() ? query.integer(0) : 0;
}

std::string Connection::text(const std::string& sql) {
    Statement query(prepare(state_->connection, sql, 0), nullptr);
    return query.step() ? query.text(0) : std::string();
}

void Connection::checkpoint() {
    sqlite3_wal_checkpoint_v2(state_->connection, nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
    connection_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (!open_) return;
    try {
        connection_.execute("ROLLBACK");
    } catch (const DatabaseError&) {
        // After some errors SQLite has rolled back on its own.
    }
}

void Transaction::commit() {
    connection_.execute("COMMIT");
    open_ = false;
}

std::string sqlite_version() {
    return sqlite3_libversion();
}

}  // namespace quicksilver::database
