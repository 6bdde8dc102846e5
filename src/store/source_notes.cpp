#include "quicksilver/store/source_notes.hpp"

namespace quicksilver {

namespace {

constexpr const char* for_ever = "ever";

SourceNote read_note(const database::Statement& row) {
    SourceNote note;
    note.name = row.text(1);
    note.comment = row.text(2);
    if (row.integer(3) > 0) note.expected_gap_s = static_cast<double>(row.integer(3)) / 1000;
    note.muted_for_ever = row.text(4) == for_ever;
    if (!note.muted_for_ever) note.muted_until = parse_rfc3339(row.text(4));
    return note;
}

}  // namespace

std::map<std::string, SourceNote> SourceNotes::all() {
    std::map<std::string, SourceNote> notes;
    auto row = connection_.statement("SELECT id, name, comment, expected_gap_ms, muted FROM sources");
    while (row.step()) notes[row.text(0)] = read_note(row);
    return notes;
}

SourceNote SourceNotes::find(std::string_view id) {
    auto row = connection_.statement("SELECT id, name, comment, expected_gap_ms, muted FROM sources WHERE id = ?1");
    row.bind(id);
    return row.step() ? read_note(row) : SourceNote();
}

void SourceNotes::save(std::string_view id, const SourceNote& note) {
    const std::string until = note.muted_until ? rfc3339(*note.muted_until) : std::string();
    connection_
        .statement(
            "INSERT INTO sources (id, name, comment, expected_gap_ms, muted) VALUES (?1, ?2, ?3, ?4, ?5)"
            " ON CONFLICT (id) DO UPDATE SET name = ?2, comment = ?3, expected_gap_ms = ?4, muted = ?5")
        .bind(id, note.name, note.comment, static_cast<std::int64_t>(note.expected_gap_s.value_or(0) * 1000),
              note.muted_for_ever ? std::string(for_ever) : until)
        .run();
}

}  // namespace quicksilver
