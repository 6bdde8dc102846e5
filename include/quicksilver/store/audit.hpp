#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/administration.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// Who did what to what, from where, and how it ended. Never patient data.
struct AuditEntry {
    std::int64_t id = 0;
    std::string time;        ///< RFC 3339; filled when it is written
    std::string user;        ///< name, "" when nobody was signed in
    std::string address;     ///< of the peer
    std::string action;      ///< id of the operation: `createRule`, `signIn`
    std::string object;      ///< the path without /api/v1
    std::string outcome;     ///< done, refused, failed
    std::string request_id;  ///< to find it in the log
    std::optional<std::int64_t> revision;
};

/// Only grows, but for what is older than it has to be kept: the table refuses changes. Throws DatabaseError. One
/// thread at a time.
class AuditLog {
public:
    explicit AuditLog(Administration& administration) : connection_(administration.connection()) {}

    void add(const AuditEntry& entry, WallTime now);

    struct Filter {
        std::string user, action, object;  ///< exact, exact, a part; "" = any
        std::int64_t before = INT64_MAX;   ///< only entries with a smaller id …
        std::int64_t after = 0;            ///< … or, when this is not 0, those next to it with a greater one
        std::size_t limit = 50;
    };
    /// Newest first.
    std::vector<AuditEntry> list(const Filter& filter);
    /// How many fit the filter, wherever they are; counts no further than `counted_max`.
    std::uint64_t count(const Filter& filter);
    static constexpr std::uint64_t counted_max = 10'000;

    /// Removes the oldest entries from before then, at most so many; how many it were.
    std::size_t prune(WallTime before, std::size_t entries_max);

    struct Place {
        std::string user, address;
        bool operator==(const Place&) const = default;
    };
    /// Where users did that, each once; of the newest `looked_at` entries of the action.
    std::vector<Place> places(const std::string& action, std::size_t looked_at);

private:
    database::Connection& connection_;
};

}  // namespace quicksilver
