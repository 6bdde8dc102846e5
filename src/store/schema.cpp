#include "quicksilver/store/schema.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace quicksilver::database {

namespace {

// Tables and columns have mercure's names (contract §9.2), so that existing queries and exports keep their meaning.
// Times are RFC 3339 in UTC: they sort as text and no daylight saving time shifts them.
constexpr std::string_view first_schema = R"sql(
CREATE TABLE mercure_events (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, sender TEXT NOT NULL, event TEXT NOT NULL,
    severity INTEGER NOT NULL, description TEXT NOT NULL) STRICT;
CREATE INDEX mercure_events_time ON mercure_events (time);

CREATE TABLE webgui_events (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, sender TEXT NOT NULL, event TEXT NOT NULL,
    user TEXT NOT NULL, description TEXT NOT NULL) STRICT;
CREATE INDEX webgui_events_time ON webgui_events (time);

CREATE TABLE dicom_files (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, filename TEXT NOT NULL, file_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL) STRICT;
CREATE INDEX dicom_files_series ON dicom_files (series_uid);
CREATE INDEX dicom_files_time ON dicom_files (time);

CREATE TABLE dicom_series (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, series_uid TEXT NOT NULL UNIQUE, study_uid TEXT NOT NULL,
    tag_patientname TEXT, tag_patientid TEXT, tag_accessionnumber TEXT, tag_seriesnumber TEXT, tag_studyid TEXT,
    tag_patientbirthdate TEXT, tag_patientsex TEXT, tag_acquisitiondate TEXT, tag_acquisitiontime TEXT,
    tag_modality TEXT, tag_bodypartexamined TEXT, tag_studydescription TEXT, tag_seriesdescription TEXT,
    tag_protocolname TEXT, tag_codevalue TEXT, tag_codemeaning TEXT, tag_sequencename TEXT,
    tag_scanningsequence TEXT, tag_sequencevariant TEXT, tag_slicethickness TEXT, tag_contrastbolusagent TEXT,
    tag_referringphysicianname TEXT, tag_manufacturer TEXT, tag_manufacturermodelname TEXT,
    tag_magneticfieldstrength TEXT, tag_deviceserialnumber TEXT, tag_softwareversions TEXT, tag_stationname TEXT,
    tags TEXT NOT NULL) STRICT;
CREATE INDEX dicom_series_study ON dicom_series (study_uid);
CREATE INDEX dicom_series_time ON dicom_series (time);
CREATE INDEX dicom_series_patient ON dicom_series (tag_patientid);
CREATE INDEX dicom_series_accession ON dicom_series (tag_accessionnumber);

CREATE TABLE series_state (
    series_uid TEXT PRIMARY KEY, state TEXT NOT NULL, since TEXT NOT NULL, first_seen TEXT NOT NULL,
    outcome TEXT NOT NULL, rules TEXT NOT NULL, task_id TEXT NOT NULL, instances INTEGER NOT NULL,
    bytes INTEGER NOT NULL) STRICT;
CREATE INDEX series_state_state ON series_state (state, since);
CREATE INDEX series_state_first_seen ON series_state (first_seen);

CREATE TABLE tasks (
    id TEXT PRIMARY KEY, parent_id TEXT, time TEXT NOT NULL, series_uid TEXT NOT NULL, study_uid TEXT NOT NULL,
    data TEXT,
    acc TEXT GENERATED ALWAYS AS (json_extract(data, '$.info.acc')) VIRTUAL,
    mrn TEXT GENERATED ALWAYS AS (json_extract(data, '$.info.mrn')) VIRTUAL,
    applied_rule TEXT GENERATED ALWAYS AS (json_extract(data, '$.info.applied_rule')) VIRTUAL,
    CHECK (data IS NULL OR json_valid(data))) STRICT;
CREATE INDEX tasks_parent ON tasks (parent_id);
CREATE INDEX tasks_time ON tasks (time);
CREATE INDEX tasks_series ON tasks (series_uid);
CREATE INDEX tasks_study ON tasks (study_uid);
CREATE INDEX tasks_acc ON tasks (acc);
CREATE INDEX tasks_mrn ON tasks (mrn);
CREATE INDEX tasks_applied_rule ON tasks (applied_rule);

CREATE TABLE task_events (
    id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, time TEXT NOT NULL, sender TEXT NOT NULL, event TEXT NOT NULL,
    file_count INTEGER NOT NULL, target TEXT NOT NULL, info TEXT NOT NULL, client_timestamp INTEGER NOT NULL) STRICT;
CREATE INDEX task_events_task ON task_events (task_id);
CREATE INDEX task_events_time ON task_events (time);

CREATE TABLE tests (
    id TEXT PRIMARY KEY, type TEXT, rule_type TEXT, time_begin TEXT, time_end TEXT, status TEXT, task_id TEXT,
    data TEXT) STRICT;

CREATE TABLE processor_logs (
    id INTEGER PRIMARY KEY, task_id TEXT NOT NULL, module_name TEXT NOT NULL, logs TEXT, time TEXT NOT NULL) STRICT;
CREATE INDEX processor_logs_task ON processor_logs (task_id);

CREATE TABLE processor_outputs (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, task_id TEXT NOT NULL, task_acc TEXT, task_mrn TEXT,
    module TEXT NOT NULL, "index" INTEGER NOT NULL, settings TEXT, output TEXT) STRICT;
CREATE INDEX processor_outputs_task ON processor_outputs (task_id);
)sql";

constexpr std::string_view series_decisions = R"sql(
CREATE TABLE series_decisions (
    id INTEGER PRIMARY KEY, time TEXT NOT NULL, series_uid TEXT NOT NULL, task_id TEXT NOT NULL,
    decision TEXT NOT NULL, CHECK (json_valid(decision))) STRICT;
CREATE INDEX series_decisions_series ON series_decisions (series_uid);
)sql";

/// For the lists of the interface: a search reads this index alone, and pages go on by time and UID.
constexpr std::string_view lists_of_series = R"sql(
CREATE INDEX dicom_series_search ON dicom_series (
    series_uid, study_uid, tag_seriesdescription, tag_studydescription, tag_patientname, tag_patientid,
    tag_accessionnumber);
CREATE INDEX series_state_page ON series_state (first_seen, series_uid);
CREATE INDEX tasks_page ON tasks (time, id);
)sql";

// The output of a module comes while it runs, in rows of a limited size; with `logs_file_store` it lies in a file.
constexpr std::string_view processor_log_parts = R"sql(
ALTER TABLE processor_logs ADD COLUMN run TEXT;
ALTER TABLE processor_logs ADD COLUMN chunk INTEGER NOT NULL DEFAULT 0;
ALTER TABLE processor_logs ADD COLUMN file TEXT;
CREATE UNIQUE INDEX processor_logs_run ON processor_logs (run, chunk);
)sql";

/// Finds parts of words of three letters and more, in any alphabet and case, without reading every series.
constexpr std::string_view search_of_series = R"sql(
CREATE VIRTUAL TABLE series_search USING fts5 (
    series_uid, study_uid, tag_seriesdescription, tag_studydescription, tag_patientname, tag_patientid,
    tag_accessionnumber, content = 'dicom_series', content_rowid = 'id', tokenize = 'trigram');
CREATE TRIGGER series_search_insert AFTER INSERT ON dicom_series BEGIN
    INSERT INTO series_search (
        rowid, series_uid, study_uid, tag_seriesdescription, tag_studydescription, tag_patientname, tag_patientid,
        tag_accessionnumber)
    VALUES (new.id, new.series_uid, new.study_uid, new.tag_seriesdescription, new.tag_studydescription,
        new.tag_patientname, new.tag_patientid, new.tag_accessionnumber);
END;
CREATE TRIGGER series_search_delete AFTER DELETE ON dicom_series BEGIN
    INSERT INTO series_search (
        series_search, rowid, series_uid, study_uid, tag_seriesdescription, tag_studydescription, tag_patientname,
        tag_patientid, tag_accessionnumber)
    VALUES ('delete', old.id, old.series_uid, old.study_uid, old.tag_seriesdescription, old.tag_studydescription,
        old.tag_patientname, old.tag_patientid, old.tag_accessionnumber);
END;
INSERT INTO series_search (series_search) VALUES ('rebuild');
)sql";

// Who sent a series, for the lists of one source and for the sources themselves; and what a task has met, for the lists
// of one target or module.
constexpr std::string_view sources_of_series = R"sql(
ALTER TABLE dicom_series ADD COLUMN sender_aet TEXT
    GENERATED ALWAYS AS (coalesce(json_extract(tags, '$.SenderAET'), '')) VIRTUAL;
ALTER TABLE dicom_series ADD COLUMN sender_address TEXT
    GENERATED ALWAYS AS (coalesce(json_extract(tags, '$.SenderAddress'), '')) VIRTUAL;
CREATE INDEX dicom_series_source ON dicom_series (sender_aet, sender_address, time, series_uid);
CREATE INDEX task_events_met ON task_events (target, task_id)
    WHERE event IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE', 'ERROR', 'PROCESS_MODULE_BEGIN');
)sql";

// Who has sent what lately, without a look at the series themselves: their tags are long.
constexpr std::string_view arrivals_of_series = R"sql(
CREATE INDEX dicom_series_arrivals ON dicom_series (time, sender_aet, sender_address, series_uid, tag_modality);
)sql";

}  // namespace

const std::vector<Migration>& journal_migrations() {
    static const std::vector<Migration> migrations = {
        {1, first_schema},     {2, series_decisions},  {3, lists_of_series},   {4, processor_log_parts},
        {5, search_of_series}, {6, sources_of_series}, {7, arrivals_of_series}};
    return migrations;
}

void migrate(Connection& connection, const std::vector<Migration>& migrations) {
    const auto version = connection.number("PRAGMA user_version");
    const auto newest = static_cast<std::int64_t>(migrations.size());
    if (version > newest) {
        throw DatabaseError(SQLITE_ERROR, fmt::format("the database has version {}, this program knows {}: use the "
                                                      "newer program, or move the database away",
                                                      version, newest));
    }
    for (const Migration& migration : migrations) {
        if (migration.number <= version) continue;
        Transaction transaction(connection);
        connection.execute(std::string(migration.sql));
        connection.execute(fmt::format("PRAGMA user_version={}", migration.number));
        transaction.commit();
    }
}

}  // namespace quicksilver::database
