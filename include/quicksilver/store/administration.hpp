#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/store/database.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace quicksilver {

/// The database of what nothing else knows: users, sessions, tokens, the audit, and the revisions of the configuration.
/// A file of its own beside the bookkeeper's, because that one may be thrown away and is written without waiting for
/// the disk, while here every commit is durable (synchronous=FULL) and only the owner may read the file.
/// One thread at a time; other processes (`quicksilver user`) may have it open too.
class Administration {
public:
    /// Opens or makes it. A damaged one is moved aside to `NAME.corrupt-TIME` and a new one begun: reception must not
    /// end because accounts are lost, and who has the console can set them up again. `take_notice` says so.
    static Result<std::unique_ptr<Administration>> open(const std::filesystem::path& file);

    /// Throws DatabaseError, as do the classes that use it: Accounts, Sessions, Tokens, AuditLog, Revisions.
    database::Connection& connection() { return connection_; }
    /// Random, made with the database: signs CSRF tokens and cursors, so that they outlive a restart.
    const std::string& key() const { return key_; }

    std::optional<std::string> take_notice();

private:
    explicit Administration(database::Connection connection);

    database::Connection connection_;
    std::string key_;
    std::optional<std::string> notice_;
};

/// `administration.sqlite` beside the bookkeeper's database.
std::filesystem::path administration_file(const std::filesystem::path& bookkeeper_database);

}  // namespace quicksilver
