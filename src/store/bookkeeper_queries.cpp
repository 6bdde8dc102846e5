#include "quicksilver/store/bookkeeper_queries.hpp"

namespace quicksilver {

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
