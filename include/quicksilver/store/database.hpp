#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3_stmt;

/// A thin layer over SQLite. Throws DatabaseError; the classes above (Journal, Reader) turn it into a Result.
namespace quicksilver::database {

class DatabaseError : public std::runtime_error {
public:
    DatabaseError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
    static DatabaseError corruption(const std::string& message);
    int code() const { return code_; }  ///< SQLite's primary result code
    /// The file itself is damaged, or is no database.
    bool is_corruption() const;
    /// Damaged, or cannot be opened at all.
    bool is_unreadable() const;
    Error to_error() const;

private:
    int code_;
};

/// Of the library: 3.40.1
std::string sqlite_version();

enum class Mode { read_write, read_only };

/// A prepared statement, lent by its connection; resets itself when it goes out of scope, so that a forgotten read
/// never holds the write-ahead log open. Columns count from 0.
class Statement {
public:
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    /// Binds ?1, ?2 … in order.
    template <class... Values>
    Statement& bind(const Values&... values) {
        int index = 0;
        (bind_at(++index, values), ...);
        return *this;
    }
    /// True while there is a row.
    bool step();
    /// For statements without rows.
    void run();

    std::int64_t integer(int column) const;
    std::string text(int column) const;  ///< NULL is ""
    bool is_null(int column) const;

private:
    friend class Connection;
    Statement(sqlite3_stmt* statement, bool* in_use) : statement_(statement), in_use_(in_use) {}

    void bind_at(int index, std::int64_t value);
    void bind_at(int index, std::uint64_t value) { bind_at(index, static_cast<std::int64_t>(value)); }
    void bind_at(int index, int value) { bind_at(index, std::int64_t{value}); }
    void bind_at(int index, std::string_view value);
    void bind_at(int index, const std::string& value) { bind_at(index, std::string_view(value)); }
    void bind_at(int index, const char* value) { bind_at(index, std::string_view(value)); }
    void bind_at(int index, std::nullptr_t);
    template <class T>
    void bind_at(int index, const std::optional<T>& value) {
        if (value) {
            bind_at(index, *value);
        } else {
            bind_at(index, nullptr);
        }
    }
    [[noreturn]] void fail() const;

    sqlite3_stmt* statement_;
    bool* in_use_;  // null: not cached, finalised at the end
};

/// One SQLite connection, opened as design.md says (WAL, NORMAL, foreign keys). One thread at a time.
class Connection {
public:
    Connection(const std::filesystem::path& file, Mode mode);
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;
    ~Connection();

    /// Prepared once for each place in the source; the text there must be a constant.
    Statement statement(std::string_view sql, std::source_location where = std::source_location::current());
    /// One or more statements without parameters or rows.
    void execute(const std::string& sql);
    /// The first column of the first row of a query that is not worth caching; 0 or "" without a row.
    std::int64_t number(const std::string& sql);
    std::string text(const std::string& sql);
    /// Moves the write-ahead log into the database and empties it, as far as no reader holds it.
    void checkpoint();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// BEGIN IMMEDIATE … COMMIT; rolls back unless committed.
class Transaction {
public:
    explicit Transaction(Connection& connection);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Connection& connection_;
    bool open_ = true;
};

}  // namespace quicksilver::database
