#include "quicksilver/store/audit.hpp"

#include <algorithm>

namespace quicksilver {

void AuditLog::add(const AuditEntry& entry, WallTime now) {
    connection_
        .statement(
            "INSERT INTO audit (time, user, address, action, object, outcome, request_id, revision)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
        .bind(rfc3339(now), entry.user, entry.address, entry.action, entry.object, entry.outcome, entry.request_id,
              entry.revision)
        .run();
}

std::vector<AuditEntry> AuditLog::list(const Filter& filter) {
    std::vector<AuditEntry> entries;
    constexpr const char* descending =
        "SELECT id, time, user, address, action, object, outcome, request_id, revision FROM audit"
        " WHERE id < ?1 AND (?2 = '' OR user = ?2) AND (?3 = '' OR action = ?3)"
        " AND (?4 = '' OR instr(object, ?4) > 0) ORDER BY id DESC LIMIT ?5";
    constexpr const char* ascending =
        "SELECT id, time, user, address, action, object, outcome, request_id, revision FROM audit"
        " WHERE id > ?1 AND (?2 = '' OR user = ?2) AND (?3 = '' OR action = ?3)"
        " AND (?4 = '' OR instr(object, ?4) > 0) ORDER BY id LIMIT ?5";
    const bool backwards = filter.after != 0;
    auto row = backwards ? connection_.statement(ascending) : connection_.statement(descending);
    row.bind(backwards ? filter.after : filter.before, filter.user, filter.action, filter.object,
             std::uint64_t{filter.limit});
    while (row.step()) {
        AuditEntry entry;
        entry.id = row.integer(0);
        entry.time = row.text(1);
        entry.user = row.text(2);
        entry.address = row.text(3);
        entry.action = row.text(4);
        entry.object = row.text(5);
        entry.outcome = row.text(6);
        entry.request_id = row.text(7);
        if (!row.is_null(8)) entry.revision = row.integer(8);
        entries.push_back(std::move(entry));
    }
    if (backwards) std::ranges::reverse(entries);
    return entries;
}

std::vector<AuditLog::Place> AuditLog::places(const std::string& action, std::size_t looked_at) {
    std::vector<Place> places;
    auto row = connection_.statement(
        "SELECT DISTINCT user, address FROM"
        " (SELECT user, address, outcome FROM audit WHERE action = ?1 ORDER BY id DESC LIMIT ?2)"
        " WHERE outcome = 'done' ORDER BY user, address");
    row.bind(action, std::uint64_t{looked_at});
    while (row.step()) places.push_back({row.text(0), row.text(1)});
    return places;
}

std::uint64_t AuditLog::count(const Filter& filter) {
    auto row = connection_.statement(
        "SELECT COUNT(*) FROM (SELECT 1 FROM audit WHERE (?1 = '' OR user = ?1) AND (?2 = '' OR action = ?2)"
        " AND (?3 = '' OR instr(object, ?3) > 0) LIMIT ?4)");
    row.bind(filter.user, filter.action, filter.object, std::uint64_t{counted_max + 1});
    row.step();
    return static_cast<std::uint64_t>(row.integer(0));
}

std::size_t AuditLog::prune(WallTime before, std::size_t entries_max) {
    database::Transaction transaction(connection_);
    // The table refuses to lose entries; within this transaction it does not.
    const std::string guard = connection_.text("SELECT sql FROM sqlite_master WHERE name = 'audit_is_never_removed'");
    connection_.execute("DROP TRIGGER audit_is_never_removed");
    connection_.statement("DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time < ?1 ORDER BY id LIMIT ?2)")
        .bind(rfc3339(before), std::uint64_t{entries_max})
        .run();
    const auto removed = static_cast<std::size_t>(connection_.number("SELECT changes()"));
    connection_.execute(guard);
    transaction.commit();
    return removed;
}

}  // namespace quicksilver
