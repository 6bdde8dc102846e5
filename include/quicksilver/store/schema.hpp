#pragma once

#include "quicksilver/store/database.hpp"

#include <string_view>
#include <vector>

namespace quicksilver::database {

/// One step of the schema; number n brings `PRAGMA user_version` from n-1 to n. Never changed once released.
struct Migration {
    int number;
    std::string_view sql;
};

/// All steps of the bookkeeper's database, in order. docs/data.md describes the tables.
const std::vector<Migration>& journal_migrations();

/// Applies what is missing, each step in a transaction of its own. Throws DatabaseError; a database that is newer than
/// the last step is left alone and is not a corruption.
void migrate(Connection& connection, const std::vector<Migration>& migrations);

}  // namespace quicksilver::database
