#include "quicksilver/store/attention_marks.hpp"

namespace quicksilver {

namespace {

/// Of problems that are long gone.
constexpr auto kept_for = std::chrono::hours(24 * 90);

}  // namespace

std::map<std::string, AttentionMark> AttentionMarks::all() {
    std::map<std::string, AttentionMark> marks;
    auto row = connection_.statement(
        "SELECT id, acknowledged_by, acknowledged_at, acknowledged_text, muted_until FROM attention_marks");
    while (row.step()) {
        marks[row.text(0)] = AttentionMark{row.text(1), row.text(2), row.text(3), parse_rfc3339(row.text(4))};
    }
    return marks;
}

void AttentionMarks::acknowledge(std::string_view id, std::string_view text, std::string_view user, WallTime now) {
    forget_old(now);
    connection_
        .statement(
            "INSERT INTO attention_marks (id, changed_at, acknowledged_by, acknowledged_at, acknowledged_text,"
            " muted_until) VALUES (?1, ?2, ?3, ?2, ?4, '') ON CONFLICT (id) DO UPDATE SET changed_at = ?2,"
            " acknowledged_by = ?3, acknowledged_at = ?2, acknowledged_text = ?4")
        .bind(id, rfc3339(now), user, text)
        .run();
}

void AttentionMarks::mute(std::string_view id, std::optional<WallTime> until, WallTime now) {
    forget_old(now);
    connection_
        .statement(
            "INSERT INTO attention_marks (id, changed_at, acknowledged_by, acknowledged_at, acknowledged_text,"
            " muted_until) VALUES (?1, ?2, '', '', '', ?3)"
            " ON CONFLICT (id) DO UPDATE SET changed_at = ?2, muted_until = ?3")
        .bind(id, rfc3339(now), until ? rfc3339(*until) : std::string())
        .run();
}

void AttentionMarks::forget_old(WallTime now) {
    connection_.statement("DELETE FROM attention_marks WHERE changed_at < ?1").bind(rfc3339(now - kept_for)).run();
}

}  // namespace quicksilver
