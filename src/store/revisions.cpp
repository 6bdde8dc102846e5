#include "quicksilver/store/revisions.hpp"

#include <array>

namespace quicksilver {

using database::Statement;
using database::Transaction;

namespace {

Revision read_revision(const Statement& row) {
    Revision revision;
    revision.number = row.integer(0);
    revision.time = row.text(1);
    revision.author = row.text(2);
    revision.source = row.text(3);
    revision.message = row.text(4);
    revision.changes = nlohmann::json::parse(row.text(5), nullptr, false);
    return revision;
}

}  // namespace

std::string_view to_string(RevisionSource source) {
    constexpr std::array<std::string_view, 4> names = {"interface", "file", "import", "restore"};
    return names.at(static_cast<std::size_t>(source));
}

std::int64_t Revisions::add(const Revision& revision, std::string_view document,
                            const std::vector<ConfigObjectName>& changed, WallTime now) {
    Transaction transaction(connection_);
    const std::int64_t number = last() + 1;
    connection_
        .statement(
            "INSERT INTO revisions (number, time, author, source, message, document, changes)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
        .bind(number, rfc3339(now), revision.author, revision.source, revision.message, document,
              revision.changes.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
        .run();
    for (const ConfigObjectName& object : changed) {
        connection_
            .statement(
                "INSERT INTO config_objects (kind, name, revision) VALUES (?1, ?2, ?3)"
                " ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision")
            .bind(object.kind, object.name, number)
            .run();
    }
    transaction.commit();
    return number;
}

std::int64_t Revisions::last() {
    auto row = connection_.statement("SELECT MAX(number) FROM revisions");
    return row.step() ? row.integer(0) : 0;
}

std::optional<Revision> Revisions::find(std::int64_t number) {
    auto row =
        connection_.statement("SELECT number, time, author, source, message, changes FROM revisions WHERE number = ?1");
    row.bind(number);
    if (!row.step()) return std::nullopt;
    return read_revision(row);
}

std::optional<std::string> Revisions::document(std::int64_t number) {
    auto row = connection_.statement("SELECT document FROM revisions WHERE number = ?1");
    row.bind(number);
    if (!row.step()) return std::nullopt;
    return row.text(0);
}

std::vector<Revision> Revisions::list(std::int64_t before, std::size_t limit) {
    std::vector<Revision> revisions;
    auto row = connection_.statement(
        "SELECT number, time, author, source, message, changes FROM revisions WHERE number < ?1"
        " ORDER BY number DESC LIMIT ?2");
    row.bind(before, std::uint64_t{limit});
    while (row.step()) revisions.push_back(read_revision(row));
    return revisions;
}

std::int64_t Revisions::revision_of(const ConfigObjectName& object) {
    auto row = connection_.statement("SELECT revision FROM config_objects WHERE kind = ?1 AND name = ?2");
    row.bind(object.kind, object.name);
    return row.step() ? row.integer(0) : 0;
}

}  // namespace quicksilver
