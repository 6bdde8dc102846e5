#include "quicksilver/store/history.hpp"

#include "searched_words.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sys/stat.h>
#include <unordered_set>

namespace quicksilver {

using database::Connection;
using database::Statement;

namespace {

constexpr std::int64_t events_max = 10'000;
constexpr std::int64_t log_parts_at_once = 4;  // of 64 KiB

// Tasks of the series `t`, whose row of tags is `s`: its own, and those of studies that it is part of.
#define QUICKSILVER_TASKS_OF_SERIES                                                                 \
    "(SELECT id, time, data FROM tasks WHERE series_uid = t.series_uid UNION SELECT id, time, data" \
    " FROM tasks WHERE study_uid = s.study_uid AND study_uid <> '' AND EXISTS"                      \
    " (SELECT 1 FROM json_each(data, '$.study.received_series_uid') WHERE value = t.series_uid)) k"

// The same of the series with the UID `uid`.
#define QUICKSILVER_TASK_IDS(uid)                                                    \
    "(SELECT id FROM tasks WHERE series_uid = " uid                                  \
    " UNION SELECT id FROM tasks"                                                    \
    " WHERE study_uid = (SELECT study_uid FROM dicom_series WHERE series_uid = " uid \
    ") AND study_uid <> ''"                                                          \
    " AND EXISTS (SELECT 1 FROM json_each(data, '$.study.received_series_uid') WHERE value = " uid "))"

// What all lists of series have in common. Parameters: 1 and 2 the place to go on (which way is the list's), 3 state, 4
// modality, 5 rule, 6 since, 7 until, 8 study, 9 the long words searched for, 10 whether patients are searched, 11
// whether only failed ones count, 13 target, 14 module, 15 the state of a stage and 16 how task.json spells it, 17 and
// 18 who sent it, 19 whether that is asked, 20 the UIDs to choose among as a JSON array, 21 the pattern of short words,
// for which an index is read whose rows are a tenth as long as those of the table. A failed series whose task does not
// say where has not come beyond routing.
#define QUICKSILVER_SERIES_WHERE                                                                                    \
    " (?1, ?2) AND (?3 = '' OR t.state = ?3)"                                                                       \
    " AND (?4 = '' OR s.tag_modality = ?4) AND (?5 = '' OR instr(', ' || t.rules || ', ', ', ' || ?5 || ', ') > 0)" \
    " AND (?6 = '' OR t.first_seen >= ?6) AND (?7 = '' OR t.first_seen < ?7) AND (?8 = '' OR s.study_uid = ?8)"     \
    " AND (?9 = '' OR s.id IN (SELECT rowid FROM series_search WHERE series_search MATCH ?9))"                      \
    " AND (?21 = '' OR s.id IN (SELECT id FROM dicom_series INDEXED BY dicom_series_search"                         \
    " WHERE tag_seriesdescription LIKE ?21 ESCAPE '\\' OR tag_studydescription LIKE ?21 ESCAPE '\\'"                \
    " OR (?10 AND (tag_patientname LIKE ?21 ESCAPE '\\' OR tag_patientid LIKE ?21 ESCAPE '\\'"                      \
    " OR tag_accessionnumber LIKE ?21 ESCAPE '\\'))))"                                                              \
    " AND (NOT ?11 OR t.state = 'failed')"                                                                          \
    " AND (?13 = '' OR EXISTS (SELECT 1 FROM " QUICKSILVER_TASKS_OF_SERIES                                          \
    " CROSS JOIN task_events e INDEXED BY task_events_task ON e.task_id = k.id WHERE e.target = ?13"                \
    " AND e.event IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE', 'ERROR', 'PROCESS_MODULE_BEGIN')))"                    \
    " AND (?14 = '' OR EXISTS (SELECT 1 FROM " QUICKSILVER_TASKS_OF_SERIES                                          \
    " CROSS JOIN task_events e INDEXED BY task_events_task ON e.task_id = k.id WHERE e.target = ?14"                \
    " AND e.event = 'PROCESS_MODULE_BEGIN'))"                                                                       \
    " AND (?15 = '' OR t.state = ?15 OR (t.state = 'failed' AND ?16 = coalesce("                                    \
    "(SELECT json_extract(k.data, '$.info.fail_stage') FROM " QUICKSILVER_TASKS_OF_SERIES                           \
    " WHERE"                                                                                                        \
    " json_extract(k.data, '$.info.fail_stage') IS NOT NULL ORDER BY k.time DESC LIMIT 1), 'ROUTING')))"            \
    " AND (NOT ?19 OR t.series_uid IN (SELECT series_uid FROM dicom_series INDEXED BY dicom_series_source"          \
    " WHERE sender_aet = ?17 AND sender_address = ?18))"

// All series, or those among the UIDs: the same rows without looking at all of a long history.
#define QUICKSILVER_ALL_SERIES " FROM series_state t LEFT JOIN dicom_series s ON s.series_uid = t.series_uid"
#define QUICKSILVER_SERIES_AMONG                                                                              \
    " FROM (SELECT DISTINCT value FROM json_each(?20)) j CROSS JOIN series_state t ON t.series_uid = j.value" \
    " LEFT JOIN dicom_series s ON s.series_uid = t.series_uid"

#define QUICKSILVER_SERIES_COLUMNS                                                                               \
    "SELECT t.series_uid, s.study_uid, t.state, t.since, t.first_seen, t.outcome, t.rules, t.task_id,"           \
    " t.instances, t.bytes, s.tag_modality, s.tag_seriesdescription, s.tag_studydescription, s.tag_stationname," \
    " s.tag_bodypartexamined, s.tag_patientname, s.tag_patientid, s.tag_patientbirthdate, s.tag_patientsex,"     \
    " s.tag_accessionnumber"

SeriesItem read_series(const Statement& row) {
    SeriesItem item;
    item.series_uid = row.text(0);
    item.study_uid = row.text(1);
    item.state = row.text(2);
    item.since = row.text(3);
    item.first_seen = row.text(4);
    item.outcome = row.text(5);
    item.rules = row.text(6);
    item.task_id = row.text(7);
    item.instances = static_cast<std::uint64_t>(row.integer(8));
    item.bytes = static_cast<std::uint64_t>(row.integer(9));
    item.modality = row.text(10);
    item.series_description = row.text(11);
    item.study_description = row.text(12);
    item.station = row.text(13);
    item.body_part = row.text(14);
    item.patient_name = row.text(15);
    item.patient_id = row.text(16);
    item.birth_date = row.text(17);
    item.sex = row.text(18);
    item.accession = row.text(19);
    return item;
}

TaskItem read_task(const Statement& row) {
    return TaskItem{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5)};
}

EventItem read_event(const Statement& row) {
    EventItem item;
    item.id = row.integer(0);
    item.time = row.text(1);
    item.task_id = row.text(2);
    item.sender = row.text(3);
    item.event = row.text(4);
    item.target = row.text(5);
    item.info = row.text(6);
    item.file_count = static_cast<std::uint64_t>(row.integer(7));
    return item;
}

/// The state of series that are in a stage, and the fail_stage of those that ended there.
std::pair<std::string, std::string> stage_names(const std::string& stage) {
    if (stage == "receive") return {"receiving", ""};
    if (stage == "route") return {"routing", "ROUTING"};
    if (stage == "collect") return {"collecting", ""};
    if (stage == "process") return {"processing", "PROCESSING"};
    if (stage == "dispatch") return {"dispatching", "DISPATCHING"};
    return {"", ""};
}

bool is_ascending(const SeriesFilter& filter) {
    return filter.oldest_first != filter.backwards;
}

constexpr std::size_t few_max = 2000;

/// The series in one of these states, when they are few.
std::optional<std::vector<std::string>> few_in_state(Connection& connection, const std::string& state,
                                                     const std::string& other) {
    auto row = connection.statement("SELECT series_uid FROM series_state WHERE state IN (?1, ?2) LIMIT ?3");
    row.bind(state, other, std::uint64_t{few_max + 1});
    std::vector<std::string> found;
    while (row.step()) found.push_back(row.text(0));
    if (found.size() > few_max) return std::nullopt;
    return found;
}

/// The series whose tasks have met this target or module, when they are few.
std::optional<std::vector<std::string>> few_that_met(Connection& connection, const std::string& name, bool is_module) {
    auto row = connection.statement(
        "SELECT DISTINCT coalesce(j.value, k.series_uid) FROM task_events e INDEXED BY task_events_met"
        " JOIN tasks k ON k.id = e.task_id LEFT JOIN json_each(k.data, '$.study.received_series_uid') j"
        " WHERE e.target = ?1 AND e.event IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE', 'ERROR', 'PROCESS_MODULE_BEGIN')"
        " AND (NOT ?2 OR e.event = 'PROCESS_MODULE_BEGIN') LIMIT ?3");
    row.bind(name, int{is_module}, std::uint64_t{few_max + 1});
    std::vector<std::string> found;
    while (row.step()) found.push_back(row.text(0));
    if (found.size() > few_max) return std::nullopt;
    return found;
}

/// Only those that are in both.
void intersect(std::optional<std::vector<std::string>>& among, std::optional<std::vector<std::string>> few) {
    if (!few) return;
    if (among) {
        const std::unordered_set<std::string> known(among->begin(), among->end());
        std::erase_if(*few, [&known](const std::string& uid) { return !known.contains(uid); });
    }
    among = std::move(few);
}

/// Few series are found faster among themselves than by asking each of a long history; many are met soon anyway.
SeriesFilter narrowed(Connection& connection, SeriesFilter filter) {
    for (const bool is_module : {false, true}) {
        std::string& name = is_module ? filter.module : filter.target;
        if (name.empty()) continue;
        auto few = few_that_met(connection, name, is_module);
        if (few) name.clear();
        intersect(filter.among, std::move(few));
    }
    if (!filter.state.empty()) intersect(filter.among, few_in_state(connection, filter.state, filter.state));
    if (filter.failed_only) intersect(filter.among, few_in_state(connection, "failed", "failed"));
    if (!filter.stage.empty()) {
        intersect(filter.among, few_in_state(connection, stage_names(filter.stage).first, "failed"));
    }
    return filter;
}

void bind(Statement& row, const SeriesFilter& filter, std::size_t limit) {
    // Behind every time, or before it, so that the first page begins at the end.
    const std::string time = filter.after ? filter.after->first : is_ascending(filter) ? "" : "~";
    const std::string uid = filter.after ? filter.after->second : "";
    const auto source = filter.source.value_or(std::pair<std::string, std::string>());
    const SearchedWords words = searched_words(filter.search, filter.search_patients);
    row.bind(time, uid, filter.state, filter.modality, filter.rule, filter.since, filter.until, filter.study_uid,
             words.match, int{filter.search_patients}, int{filter.failed_only}, std::uint64_t{limit}, filter.target,
             filter.module, stage_names(filter.stage).first, stage_names(filter.stage).second, source.first,
             source.second, int{filter.source.has_value()},
             filter.among ? nlohmann::json(*filter.among).dump() : std::string(), words.pattern);
}

}  // namespace

std::vector<SeriesItem> History::series(const SeriesFilter& asked) {
    const SeriesFilter filter = narrowed(connection_, asked);
    std::vector<SeriesItem> items;
#define QUICKSILVER_SERIES_DOWN                                      \
    " WHERE (t.first_seen, t.series_uid) <" QUICKSILVER_SERIES_WHERE \
    " ORDER BY t.first_seen DESC, t.series_uid DESC LIMIT ?12"
#define QUICKSILVER_SERIES_UP \
    " WHERE (t.first_seen, t.series_uid) >" QUICKSILVER_SERIES_WHERE " ORDER BY t.first_seen, t.series_uid LIMIT ?12"
    constexpr const char* down = QUICKSILVER_SERIES_COLUMNS QUICKSILVER_ALL_SERIES QUICKSILVER_SERIES_DOWN;
    constexpr const char* up = QUICKSILVER_SERIES_COLUMNS QUICKSILVER_ALL_SERIES QUICKSILVER_SERIES_UP;
    constexpr const char* few_down = QUICKSILVER_SERIES_COLUMNS QUICKSILVER_SERIES_AMONG QUICKSILVER_SERIES_DOWN;
    constexpr const char* few_up = QUICKSILVER_SERIES_COLUMNS QUICKSILVER_SERIES_AMONG QUICKSILVER_SERIES_UP;
    // A place each, because a place remembers its statement.
    auto all = [&] { return is_ascending(filter) ? connection_.statement(up) : connection_.statement(down); };
    auto few = [&] { return is_ascending(filter) ? connection_.statement(few_up) : connection_.statement(few_down); };
    auto row = filter.among ? few() : all();
    bind(row, filter, filter.limit);
    while (row.step()) items.push_back(read_series(row));
    if (filter.backwards) std::ranges::reverse(items);
    return items;
}

BoundedCount History::count_series(const SeriesFilter& asked) {
    SeriesFilter filter = narrowed(connection_, asked);
    filter.after.reset();
    filter.oldest_first = filter.backwards = false;
#define QUICKSILVER_SERIES_COUNTED " WHERE (t.first_seen, t.series_uid) <" QUICKSILVER_SERIES_WHERE " LIMIT ?12)"
    constexpr const char* all = "SELECT COUNT(*) FROM (SELECT 1" QUICKSILVER_ALL_SERIES QUICKSILVER_SERIES_COUNTED;
    constexpr const char* few = "SELECT COUNT(*) FROM (SELECT 1" QUICKSILVER_SERIES_AMONG QUICKSILVER_SERIES_COUNTED;
    auto row = filter.among ? connection_.statement(few) : connection_.statement(all);
    bind(row, filter, counted_max + 1);
    row.step();
    const auto value = static_cast<std::uint64_t>(row.integer(0));
    return BoundedCount{std::min(value, counted_max), value <= counted_max};
}

std::optional<SeriesItem> History::find_series(std::string_view series_uid) {
    auto row = connection_.statement(QUICKSILVER_SERIES_COLUMNS QUICKSILVER_ALL_SERIES " WHERE t.series_uid = ?1");
    row.bind(series_uid);
    if (!row.step()) return std::nullopt;
    return read_series(row);
}

std::string History::tags(std::string_view series_uid) {
    auto row = connection_.statement("SELECT tags FROM dicom_series WHERE series_uid = ?1");
    row.bind(series_uid);
    return row.step() ? row.text(0) : std::string();
}

std::vector<DecisionItem> History::decisions(std::string_view series_uid) {
    std::vector<DecisionItem> items;
    auto row = connection_.statement(
        "SELECT time, task_id, decision FROM series_decisions WHERE series_uid = ?1 ORDER BY id DESC LIMIT 100");
    row.bind(series_uid);
    while (row.step()) items.push_back(DecisionItem{row.text(0), row.text(1), row.text(2)});
    return items;
}

std::vector<TaskItem> History::tasks_of_series(std::string_view series_uid) {
    std::vector<TaskItem> items;
    auto row = connection_.statement(
        "SELECT id, parent_id, time, series_uid, study_uid, data FROM tasks WHERE id IN " QUICKSILVER_TASK_IDS(
            "?1") " ORDER BY time, id LIMIT 1000");
    row.bind(series_uid);
    while (row.step()) items.push_back(read_task(row));
    return items;
}

std::vector<TaskItem> History::tasks(const TaskFilter& filter) {
    std::vector<TaskItem> items;
    constexpr const char* descending =
        "SELECT id, parent_id, time, series_uid, study_uid, data FROM tasks"
        " WHERE (time, id) < (?1, ?2) AND (?3 = '' OR id IN " QUICKSILVER_TASK_IDS("?3") ")"
        " AND (?4 = '' OR applied_rule = ?4)"
        " ORDER BY time DESC, id DESC LIMIT ?5";
    constexpr const char* ascending =
        "SELECT id, parent_id, time, series_uid, study_uid, data FROM tasks"
        " WHERE (time, id) > (?1, ?2) AND (?3 = '' OR id IN " QUICKSILVER_TASK_IDS("?3") ")"
        " AND (?4 = '' OR applied_rule = ?4)"
        " ORDER BY time, id LIMIT ?5";
    const bool up = filter.oldest_first != filter.backwards;
    const std::string time = filter.after ? filter.after->first : up ? "" : "~";
    const std::string id = filter.after ? filter.after->second : "";
    auto row = up ? connection_.statement(ascending) : connection_.statement(descending);
    row.bind(time, id, filter.series_uid, filter.rule, std::uint64_t{filter.limit});
    while (row.step()) items.push_back(read_task(row));
    if (filter.backwards) std::ranges::reverse(items);
    return items;
}

BoundedCount History::count_tasks(const TaskFilter& filter) {
    auto row =
        connection_.statement("SELECT COUNT(*) FROM (SELECT 1 FROM tasks WHERE (?1 = '' OR id IN " QUICKSILVER_TASK_IDS(
            "?1") ")"
                  " AND (?2 = '' OR applied_rule = ?2) LIMIT ?3)");
    row.bind(filter.series_uid, filter.rule, std::uint64_t{counted_max + 1});
    row.step();
    const auto value = static_cast<std::uint64_t>(row.integer(0));
    return BoundedCount{std::min(value, counted_max), value <= counted_max};
}

std::optional<TaskItem> History::find_task(std::string_view id) {
    auto row =
        connection_.statement("SELECT id, parent_id, time, series_uid, study_uid, data FROM tasks WHERE id = ?1");
    row.bind(id);
    if (!row.step()) return std::nullopt;
    return read_task(row);
}

std::vector<EventItem> History::events_of_task(std::string_view task_id) {
    std::vector<EventItem> items;
    auto row = connection_.statement(
        "SELECT id, time, task_id, sender, event, target, info, file_count FROM task_events"
        " WHERE task_id = ?1 OR task_id IN (SELECT id FROM tasks WHERE parent_id = ?1) ORDER BY id LIMIT ?2");
    row.bind(task_id, events_max);
    while (row.step()) items.push_back(read_event(row));
    return items;
}

std::vector<ModuleLogPart> History::module_log(std::string_view task_id, std::int64_t step) {
    std::vector<ModuleLogPart> parts;
    // A run is TASK/STEP/ATTEMPT; what mercure's helpers wrote down has none, and counts as step 0.
    auto row = connection_.statement(
        "SELECT module_name, time, logs, file FROM processor_logs WHERE task_id = ?1 AND coalesce(run, '') ="
        " (SELECT coalesce(run, '') FROM processor_logs WHERE task_id = ?1 AND"
        " (run LIKE ?1 || '/' || ?2 || '/%' OR (run IS NULL AND ?2 = 0)) ORDER BY id DESC LIMIT 1)"
        " ORDER BY chunk, id LIMIT 1000");
    row.bind(task_id, step);
    while (row.step()) parts.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
    return parts;
}

ModuleLogNews History::module_log_after(std::string_view task_id, std::int64_t step, ModuleLogPlace place) {
    ModuleLogNews news;
    auto last = connection_.statement(
        "SELECT run FROM processor_logs WHERE task_id = ?1 AND run LIKE ?1 || '/' || ?2 || '/%'"
        " ORDER BY id DESC LIMIT 1");
    last.bind(task_id, step);
    news.next = std::move(place);
    if (!last.step()) return news;
    news.is_known = true;
    if (const std::string run = last.text(0); run != news.next.run) {
        news.is_anew = !news.next.run.empty();
        news.next = ModuleLogPlace{run, 0, 0};
    }
    auto row = connection_.statement(
        "SELECT chunk, logs, file FROM processor_logs WHERE run = ?1 AND chunk >= ?2 ORDER BY chunk LIMIT ?3");
    row.bind(news.next.run, news.next.part, log_parts_at_once);
    while (row.step()) {
        news.file = row.text(2);
        if (!news.file.empty()) return news;
        const std::string text = row.text(1);
        if (row.integer(0) > news.next.part) {
            news.next.part = row.integer(0);
            news.next.offset = 0;
        }
        if (news.next.offset > text.size()) {
            // A run that the next start goes on with tells all of it once more.
            news.next = ModuleLogPlace{news.next.run, 0, 0};
            news.text.clear();
            news.is_anew = true;
            return news;
        }
        news.text += text.substr(news.next.offset);
        news.next.offset = text.size();
    }
    return news;
}

std::optional<ModuleOutput> History::module_output(std::string_view task_id, std::int64_t step) {
    auto row = connection_.statement(
        "SELECT module, time, output FROM processor_outputs WHERE task_id = ?1 AND \"index\" = ?2"
        " ORDER BY id DESC LIMIT 1");
    row.bind(task_id, step);
    if (!row.step()) return std::nullopt;
    return ModuleOutput{row.text(0), row.text(1), row.text(2)};
}

std::vector<EventItem> History::events_of_series(std::string_view series_uid) {
    std::vector<EventItem> items;
    auto row = connection_.statement(
        "SELECT id, time, task_id, sender, event, target, info, file_count FROM task_events"
        " WHERE task_id IN " QUICKSILVER_TASK_IDS("?1") " ORDER BY id LIMIT ?2");
    row.bind(series_uid, events_max);
    while (row.step()) items.push_back(read_event(row));
    return items;
}

std::vector<EventItem> History::events_of_target(std::string_view target, const std::string& since) {
    std::vector<EventItem> items;
    auto row = connection_.statement(
        "SELECT id, time, task_id, sender, event, target, info, file_count FROM task_events INDEXED BY task_events_time"
        " WHERE time >= ?2 AND target = ?1 AND event IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE', 'ERROR')"
        " ORDER BY time, id LIMIT ?3");
    row.bind(target, since, events_max * 10);
    while (row.step()) items.push_back(read_event(row));
    return items;
}

void History::for_each_tag_set(const std::string& since, std::size_t limit,
                               const std::function<void(const TagSet&)>& visit) {
    auto row = connection_.statement(
        "SELECT s.series_uid, s.tags, t.rules FROM dicom_series s"
        " LEFT JOIN series_state t ON t.series_uid = s.series_uid WHERE s.time >= ?1 ORDER BY s.id DESC LIMIT ?2");
    row.bind(since, std::uint64_t{limit});
    while (row.step()) visit(TagSet{row.text(0), row.text(1), row.text(2)});
}

HistoryConnections::Lent HistoryConnections::lend() {
    struct stat status {};
    const bool is_there = ::stat(file_.c_str(), &status) == 0;
    const auto inode = is_there ? std::uint64_t{status.st_ino} : 0;
    {
        const std::lock_guard lock(mutex_);
        while (!idle_.empty()) {
            Lent lent = std::move(idle_.back());
            idle_.pop_back();
            if (lent.inode == inode) return lent;
        }
    }
    return Lent{std::make_unique<Connection>(file_, database::Mode::read_only), inode};
}

void HistoryConnections::give_back(Lent lent) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(lent));
}

}  // namespace quicksilver
