#include "quicksilver/store/bookkeeper_queries.hpp"

#include <array>

namespace quicksilver {

using database::Statement;

namespace {

constexpr std::int64_t files_max = 1000;

std::optional<std::string> text_at(const Statement& row, int column) {
    return row.is_null(column) ? std::optional<std::string>() : row.text(column);
}

}  // namespace

// What a search for tasks is about. Parameters: 1 the text, 2 whether only studies count.
#define QUICKSILVER_FOUND_TASKS                                                                  \
    " FROM tasks p WHERE coalesce(p.parent_id, '') = ''"                                         \
    " AND (NOT ?2 OR json_extract(p.data, '$.info.uid_type') = 'study')"                         \
    " AND (?1 = '' OR substr(coalesce(p.acc, ''), 1, length(?1)) = ?1"                           \
    " OR substr(coalesce(p.mrn, ''), 1, length(?1)) = ?1"                                        \
    " OR instr(lower(coalesce(json_extract(p.data, '$.info.patient_name'), '')), lower(?1)) > 0" \
    " OR instr(lower(coalesce(p.applied_rule, '')), lower(?1)) > 0"                              \
    " OR EXISTS (SELECT 1 FROM tasks c WHERE c.parent_id = p.id AND instr(lower(c.applied_rule), lower(?1)) > 0))"

std::vector<BookkeeperQueries::File> BookkeeperQueries::dicom_files(std::string_view series_uid) {
    std::vector<File> files;
    auto row = connection_.statement(
        "SELECT id, time, filename, file_uid, series_uid FROM dicom_files WHERE ?1 = '' OR series_uid = ?1"
        " ORDER BY id LIMIT ?2");
    row.bind(series_uid, rows_max);
    while (row.step()) files.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4)});
    return files;
}

std::vector<BookkeeperQueries::Series> BookkeeperQueries::series(std::string_view series_uid) {
    std::vector<Series> found;
    constexpr const char* all =
        "SELECT id, time, series_uid, tag_seriesdescription, tag_modality FROM dicom_series ORDER BY id DESC LIMIT ?1";
    constexpr const char* one =
        "SELECT id, time, series_uid, tag_seriesdescription, tag_modality FROM dicom_series WHERE series_uid = ?1";
    const auto read = [&found](Statement row) {
        while (row.step()) {
            found.push_back({row.integer(0), row.text(1), row.text(2), text_at(row, 3), text_at(row, 4)});
        }
    };
    if (series_uid.empty()) {
        auto row = connection_.statement(all);
        row.bind(rows_max);
        read(std::move(row));
    } else {
        auto row = connection_.statement(one);
        row.bind(series_uid);
        read(std::move(row));
    }
    return found;
}

std::vector<BookkeeperQueries::Task> BookkeeperQueries::tasks() {
    std::vector<Task> found;
    auto row = connection_.statement(
        "SELECT k.id, k.time, s.tag_seriesdescription, s.tag_modality FROM tasks k"
        " LEFT JOIN dicom_series s ON s.series_uid = k.series_uid WHERE coalesce(k.parent_id, '') = ''"
        " ORDER BY k.time DESC, k.id DESC LIMIT ?1");
    row.bind(rows_max);
    while (row.step()) found.push_back({row.text(0), row.text(1), text_at(row, 2), text_at(row, 3)});
    return found;
}

std::vector<BookkeeperQueries::Test> BookkeeperQueries::tests() {
    std::vector<Test> found;
    auto row = connection_.statement(
        "SELECT id, type, rule_type, time_begin, time_end, status, task_id FROM tests"
        " ORDER BY time_begin DESC, id DESC LIMIT ?1");
    row.bind(rows_max);
    while (row.step()) {
        found.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5), row.text(6)});
    }
    return found;
}

std::vector<BookkeeperQueries::Event> BookkeeperQueries::task_events(std::string_view task_id) {
    std::vector<Event> events;
    auto row = connection_.statement(
        "SELECT id, task_id, time, sender, event, file_count, target, info, client_timestamp FROM task_events"
        " WHERE task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1)"
        " ORDER BY task_id, time, id LIMIT ?2");
    row.bind(task_id, rows_max);
    while (row.step()) {
        events.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.integer(5),
                          row.text(6), row.text(7), row.integer(8)});
    }
    return events;
}

std::optional<BookkeeperQueries::SeriesOfTask> BookkeeperQueries::series_of_task(std::string_view task_id) {
    // Those that have a column `tag_…`, in the order of mercure's table.
    static constexpr std::array keywords = {"PatientName",
                                            "PatientID",
                                            "AccessionNumber",
                                            "SeriesNumber",
                                            "StudyID",
                                            "PatientBirthDate",
                                            "PatientSex",
                                            "AcquisitionDate",
                                            "AcquisitionTime",
                                            "Modality",
                                            "BodyPartExamined",
                                            "StudyDescription",
                                            "SeriesDescription",
                                            "ProtocolName",
                                            "CodeValue",
                                            "CodeMeaning",
                                            "SequenceName",
                                            "ScanningSequence",
                                            "SequenceVariant",
                                            "SliceThickness",
                                            "ContrastBolusAgent",
                                            "ReferringPhysicianName",
                                            "Manufacturer",
                                            "ManufacturerModelName",
                                            "MagneticFieldStrength",
                                            "DeviceSerialNumber",
                                            "SoftwareVersions",
                                            "StationName"};
    std::string columns = "s.series_uid, s.study_uid";
    for (const char* keyword : keywords) columns += std::string(", s.tag_") + keyword;  // SQL knows no capitals
    auto row = connection_.statement("SELECT " + columns +
                                     ", s.tags FROM tasks k LEFT JOIN dicom_series s ON s.series_uid = k.series_uid"
                                     " WHERE k.id = ?1 AND coalesce(k.parent_id, '') = ''");
    row.bind(task_id);
    if (!row.step()) return std::nullopt;
    SeriesOfTask known;
    int column = 0;
    for (const char* name : {"SeriesUID", "StudyUID"}) known.tags.emplace_back(name, text_at(row, column++));
    for (const char* keyword : keywords) known.tags.emplace_back(keyword, text_at(row, column++));
    known.all_tags = row.text(column);
    return known;
}

std::vector<std::pair<std::string, std::string>> BookkeeperQueries::task_files(std::string_view task_id) {
    std::vector<std::pair<std::string, std::string>> files;
    auto row = connection_.statement("SELECT id, data FROM tasks WHERE id = ?1 OR parent_id = ?1 ORDER BY id LIMIT ?2");
    row.bind(task_id, files_max);
    while (row.step()) files.emplace_back(row.text(0), row.text(1));
    return files;
}

std::vector<BookkeeperQueries::ProcessLog> BookkeeperQueries::process_logs(std::string_view task_id) {
    std::vector<ProcessLog> logs;
    auto row = connection_.statement(
        "SELECT id, task_id, module_name, time, logs, file FROM processor_logs"
        " WHERE task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1) ORDER BY id LIMIT ?2");
    row.bind(task_id, rows_max);
    while (row.step()) {
        logs.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)});
    }
    return logs;
}

std::vector<BookkeeperQueries::ProcessResult> BookkeeperQueries::process_results(std::string_view task_id) {
    std::vector<ProcessResult> results;
    auto row = connection_.statement(
        "SELECT id, time, task_id, task_acc, task_mrn, module, \"index\", settings, output FROM processor_outputs"
        " WHERE task_id = ?1 ORDER BY id LIMIT ?2");
    row.bind(task_id, rows_max);
    while (row.step()) {
        results.push_back({row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5),
                           row.integer(6), row.text(7), row.text(8)});
    }
    return results;
}

BookkeeperQueries::FoundTasks BookkeeperQueries::find_tasks(const TaskSearch& search) {
    FoundTasks found;
    found.total =
        static_cast<std::uint64_t>(connection_.number("SELECT COUNT(*) FROM tasks WHERE coalesce(parent_id, '') = ''"));
    auto count = connection_.statement("SELECT COUNT(*)" QUICKSILVER_FOUND_TASKS);
    count.bind(search.text, int{search.studies_only});
    count.step();
    found.matching = static_cast<std::uint64_t>(count.integer(0));
    auto row = connection_.statement(
        "SELECT p.id, p.acc, p.mrn, json_extract(p.data, '$.info.uid_type') AS scope, p.time,"
        " coalesce(nullif(p.applied_rule, ''), (SELECT group_concat(DISTINCT c.applied_rule) FROM tasks c"
        " WHERE c.parent_id = p.id)) AS rules" QUICKSILVER_FOUND_TASKS
        " ORDER BY CASE WHEN ?4 THEN CASE ?3 WHEN 0 THEN p.acc WHEN 1 THEN p.mrn WHEN 2 THEN scope WHEN 4 THEN rules"
        " ELSE p.time END END, CASE ?3 WHEN 0 THEN p.acc WHEN 1 THEN p.mrn WHEN 2 THEN scope WHEN 4 THEN rules"
        " ELSE p.time END DESC LIMIT ?6 OFFSET ?5");
    row.bind(search.text, int{search.studies_only}, search.column, int{search.ascending}, search.start, search.length);
    while (row.step()) {
        found.page.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)});
    }
    return found;
}

}  // namespace quicksilver
