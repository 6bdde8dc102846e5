#include "quicksilver/store/journal.hpp"

#include "quicksilver/store/schema.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <system_error>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

using database::Connection;
using database::DatabaseError;

namespace {

std::int64_t milliseconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Null for what is not there, so that a query can tell it from an empty tag.
std::optional<std::string> tag(const Tags& tags, std::string_view key) {
    const std::string* value = tags.find(key);
    return value == nullptr ? std::optional<std::string>() : *value;
}

/// The tags as one JSON object; text that is not UTF-8 is repaired.
std::string to_json_text(const Tags& tags) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [key, value] : tags.entries()) object[key] = value;
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Writes each kind of entry to its tables, within the transaction of the batch.
class EntryWriter {
public:
    explicit EntryWriter(Connection& connection) : connection_(connection) {}

    void operator()(const journal::MercureEvent& entry) {
        connection_
            .statement(
                "INSERT INTO mercure_events (time, sender, event, severity, description) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(rfc3339(entry.time), entry.sender, to_string(entry.event), static_cast<int>(entry.severity),
                  entry.description)
            .run();
    }

    void operator()(const journal::WebguiEvent& entry) {
        connection_
            .statement("INSERT INTO webgui_events (time, sender, event, user, description) VALUES (?1, ?2, ?3, ?4, ?5)")
            .bind(rfc3339(entry.time), entry.sender, to_string(entry.event), entry.user, entry.description)
            .run();
    }

    void operator()(const journal::DicomFile& entry) {
        connection_.statement("INSERT INTO dicom_files (time, filename, file_uid, series_uid) VALUES (?1, ?2, ?3, ?4)")
            .bind(rfc3339(entry.time), entry.filename, entry.file_uid, entry.series_uid)
            .run();
    }

    void operator()(const journal::SeriesRegistered& entry) {
        const Tags& tags = entry.tags;
        connection_
            .statement(
                "INSERT INTO dicom_series (time, series_uid, study_uid, tag_patientname, tag_patientid,"
                " tag_accessionnumber, tag_seriesnumber, tag_studyid, tag_patientbirthdate, tag_patientsex,"
                " tag_acquisitiondate, tag_acquisitiontime, tag_modality, tag_bodypartexamined, tag_studydescription,"
                " tag_seriesdescription, tag_protocolname, tag_codevalue, tag_codemeaning, tag_sequencename,"
                " tag_scanningsequence, tag_sequencevariant, tag_slicethickness, tag_contrastbolusagent,"
                " tag_referringphysicianname, tag_manufacturer, tag_manufacturermodelname, tag_magneticfieldstrength,"
                " tag_deviceserialnumber, tag_softwareversions, tag_stationname, tags)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
                " ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32)"
                " ON CONFLICT (series_uid) DO NOTHING")
            .bind(rfc3339(entry.time), entry.series_uid, tags.get("StudyInstanceUID"), tag(tags, "PatientName"),
                  tag(tags, "PatientID"), tag(tags, "AccessionNumber"), tag(tags, "SeriesNumber"), tag(tags, "StudyID"),
                  tag(tags, "PatientBirthDate"), tag(tags, "PatientSex"), tag(tags, "AcquisitionDate"),
                  tag(tags, "AcquisitionTime"), tag(tags, "Modality"), tag(tags, "BodyPartExamined"),
                  tag(tags, "StudyDescription"), tag(tags, "SeriesDescription"), tag(tags, "ProtocolName"),
                  tag(tags, "CodeValue"), tag(tags, "CodeMeaning"), tag(tags, "SequenceName"),
                  tag(tags, "ScanningSequence"), tag(tags, "SequenceVariant"), tag(tags, "SliceThickness"),
                  tag(tags, "ContrastBolusAgent"), tag(tags, "ReferringPhysicianName"), tag(tags, "Manufacturer"),
                  tag(tags, "ManufacturerModelName"), tag(tags, "MagneticFieldStrength"),
                  tag(tags, "DeviceSerialNumber"), tag(tags, "SoftwareVersions"), tag(tags, "StationName"),
                  to_json_text(tags))
            .run();
    }

    void operator()(const journal::SeriesState& entry) {
        connection_
            .statement(
                "INSERT INTO series_state (series_uid, state, since, first_seen, outcome, rules, task_id, instances,"
                " bytes) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8)"
                " ON CONFLICT (series_uid) DO UPDATE SET state = excluded.state, since = excluded.since,"
                " outcome = excluded.outcome,"
                " rules = CASE WHEN excluded.rules = '' THEN rules ELSE excluded.rules END,"
                " task_id = CASE WHEN excluded.task_id = '' THEN task_id ELSE excluded.task_id END,"
                " instances = CASE WHEN excluded.instances = 0 THEN instances ELSE excluded.instances END,"
                " bytes = CASE WHEN excluded.bytes = 0 THEN bytes ELSE excluded.bytes END"
                // One delivery of several has failed: that the others are done does not make it good.
                " WHERE NOT (series_state.state = 'failed' AND excluded.state = 'done')")
            .bind(entry.series_uid, to_string(entry.state), rfc3339(entry.time), entry.outcome, entry.rules,
                  entry.task_id, entry.instances, entry.bytes)
            .run();
    }

    void operator()(const journal::SeriesDecision& entry) {
        connection_
            .statement("INSERT INTO series_decisions (time, series_uid, task_id, decision) VALUES (?1, ?2, ?3, ?4)")
            .bind(rfc3339(entry.time), entry.series_uid, entry.task_id, entry.decision_json)
            .run();
    }

    void operator()(const journal::TaskRegistered& entry) {
        const std::optional<std::string> parent =
            entry.parent_id.empty() ? std::optional<std::string>() : entry.parent_id;
        connection_
            .statement(
                "INSERT INTO tasks (id, parent_id, time, series_uid, study_uid) VALUES (?1, ?2, ?3, ?4, '')"
                " ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, time = excluded.time,"
                " series_uid = excluded.series_uid")
            .bind(entry.id, parent, rfc3339(entry.time), entry.series_uid)
            .run();
    }

    void operator()(const journal::TaskUpdated& entry) {
        // One that SQLite takes for no JSON, or that is nested too deep for it, must not hold up the whole batch.
        auto valid = connection_.statement("SELECT json_valid(?1)");
        valid.bind(entry.task_json);
        const bool is_json = valid.step() && valid.integer(0) == 1;
        const std::optional<std::string> data = is_json ? entry.task_json : std::optional<std::string>();
        connection_
            .statement(
                "INSERT INTO tasks (id, time, series_uid, study_uid, data) VALUES (?1, ?2,"
                " CASE WHEN json_extract(?3, '$.info.uid_type') = 'series' THEN ifnull(json_extract(?3, '$.info.uid'), "
                "'')"
                " ELSE '' END,"
                " CASE WHEN json_extract(?3, '$.info.uid_type') = 'study' THEN ifnull(json_extract(?3, '$.info.uid'), "
                "'')"
                " ELSE '' END, ?3)"
                // A part of a task, as helpers send its tags, leaves the rest as it is.
                " ON CONFLICT (id) DO UPDATE SET data = CASE"
                " WHEN excluded.data IS NULL THEN data WHEN json_type(excluded.data, '$.info') = 'object'"
                " THEN excluded.data ELSE json_patch(ifnull(data, '{}'), excluded.data) END,"
                " series_uid = CASE WHEN excluded.series_uid = '' THEN series_uid ELSE excluded.series_uid END,"
                " study_uid = CASE WHEN excluded.study_uid = '' THEN study_uid ELSE excluded.study_uid END")
            .bind(entry.id, rfc3339(entry.time), data)
            .run();
    }

    void operator()(const journal::TaskEvent& entry) {
        connection_
            .statement(
                "INSERT INTO task_events (task_id, time, sender, event, file_count, target, info, client_timestamp)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .bind(entry.task_id, rfc3339(entry.time), entry.sender, to_string(entry.event), entry.file_count,
                  entry.target, entry.info, milliseconds(entry.time))
            .run();
    }

    void operator()(const journal::ProcessorLog& entry) {
        if (entry.is_first) {
            connection_.statement("DELETE FROM processor_logs WHERE run = ?1").bind(entry.run).run();
        }
        const std::optional<std::string> text = entry.file.empty() ? entry.text : std::optional<std::string>();
        const std::optional<std::string> file = entry.file.empty() ? std::optional<std::string>() : entry.file;
        connection_
            .statement(
                "INSERT INTO processor_logs (task_id, module_name, logs, time, run, chunk, file)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                " ON CONFLICT (run, chunk) DO UPDATE SET logs = logs || excluded.logs")
            .bind(entry.task_id, entry.module, text, rfc3339(entry.time), entry.run, static_cast<int>(entry.chunk),
                  file)
            .run();
    }

    void operator()(const journal::ProcessorOutput& entry) {
        connection_
            .statement(
                "INSERT INTO processor_outputs (time, task_id, task_acc, task_mrn, module, \"index\", settings, output)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .bind(rfc3339(entry.time), entry.task_id, entry.acc, entry.mrn, entry.module, static_cast<int>(entry.index),
                  entry.settings, entry.output)
            .run();
    }

    void operator()(const journal::TestBegun& entry) {
        connection_
            .statement(
                "INSERT INTO tests (id, type, rule_type, time_begin, status, task_id) VALUES (?1, ?2, ?3, ?4, 'begin',"
                " ?5) ON CONFLICT (id) DO UPDATE SET task_id = excluded.task_id")
            .bind(entry.id, entry.type, entry.rule_type, rfc3339(entry.time), entry.task_id)
            .run();
    }

    void operator()(const journal::TestEnded& entry) {
        connection_.statement("UPDATE tests SET time_end = ?2, status = ?3 WHERE id = ?1")
            .bind(entry.id, rfc3339(entry.time), entry.status)
            .run();
    }

    void operator()(const journal::Renamed& entry) {
        if (entry.kind != journal::Renamed::Kind::rule) {
            connection_
                .statement(
                    "UPDATE task_events SET target = ?2 WHERE target = ?1 AND (sender LIKE 'processor%') = ?3 AND event"
                    " IN ('DISPATCH_BEGIN', 'DISPATCH_COMPLETE', 'ERROR', 'PROCESS_MODULE_BEGIN',"
                    " 'PROCESS_MODULE_COMPLETE')")
                .bind(entry.from, entry.to, int{entry.kind == journal::Renamed::Kind::module})
                .run();
            return;
        }
        connection_
            .statement(
                "UPDATE series_state SET rules = substr(replace(', ' || rules || ', ', ', ' || ?1 || ', ',"
                " ', ' || ?2 || ', '), 3, length(rules) - length(?1) + length(?2))"
                " WHERE instr(', ' || rules || ', ', ', ' || ?1 || ', ') > 0")
            .bind(entry.from, entry.to)
            .run();
        connection_
            .statement("UPDATE tasks SET data = json_set(data, '$.info.applied_rule', ?2) WHERE applied_rule = ?1")
            .bind(entry.from, entry.to)
            .run();
    }

private:
    Connection& connection_;
};

Connection open_and_migrate(const fs::path& file, bool check) {
    Connection connection(file, database::Mode::read_write);
    if (check) {
        const std::string verdict = connection.text("PRAGMA quick_check(1)");
        if (verdict != "ok") throw DatabaseError::corruption(verdict);
    }
    database::migrate(connection, database::journal_migrations());
    return connection;
}

/// The database with its write-ahead log, to `NAME.corrupt-TIME`.
Result<fs::path> move_aside(const fs::path& file) {
    const std::string suffix = fmt::format(".corrupt-{}", rfc3339(std::chrono::system_clock::now()));
    for (const char* part : {"", "-wal", "-shm"}) {
        std::error_code error;
        const fs::path from = file.string() + part;
        fs::rename(from, file.string() + suffix + part, error);
        if (error && error != std::errc::no_such_file_or_directory) {
            return Error{Errc::io,
                         fmt::format("cannot move the damaged database {} aside: {}", from.string(), error.message())};
        }
    }
    return fs::path(file.string() + suffix);
}

}  // namespace

struct Journal::State {
    fs::path file;
    std::optional<Connection> connection;
    std::optional<std::string> notice;
    std::uint64_t size_limit = 0;

    void open(bool check) {
        connection.emplace(open_and_migrate(file, check));
        if (size_limit != 0) apply_size_limit();
    }

    void apply_size_limit() {
        constexpr std::uint64_t pages_max = 4294967294;  // SQLite's own
        const auto page_bytes = static_cast<std::uint64_t>(connection->number("PRAGMA page_size"));
        const std::uint64_t pages = size_limit == 0 ? pages_max : size_limit / page_bytes + 1;
        connection->execute(fmt::format("PRAGMA max_page_count={}", pages));
    }

    /// Replaces a damaged database by an empty one.
    Result<void> begin_anew(const DatabaseError& damage) {
        connection.reset();
        const auto aside = move_aside(file);
        if (!aside) return aside.error();
        notice = fmt::format(
            "the database was damaged ({}); it was moved to {} and a new one begun: no image is lost, "
            "the history is in the old file",
            damage.what(), aside->string());
        try {
            open(false);
            return {};
        } catch (const DatabaseError& failed) {
            return failed.to_error();
        }
    }

    void write(const std::vector<JournalEntry>& entries) {
        database::Transaction transaction(*connection);
        EntryWriter writer(*connection);
        for (const JournalEntry& entry : entries) std::visit(writer, entry);
        transaction.commit();
    }
};

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Journal>> Journal::open(const fs::path& file, bool check) {
    auto state = std::make_unique<State>();
    state->file = file;
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (error) {
        return Error{Errc::io, fmt::format("cannot make the folder {} for the database: {}",
                                           file.parent_path().string(), error.message())};
    }
    try {
        state->open(check);
    } catch (const DatabaseError& failed) {
        if (!failed.is_unreadable() || !fs::exists(file, error)) return failed.to_error();
        if (auto begun = state->begin_anew(failed); !begun) return std::move(begun).error();
    }
    return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

Journal::~Journal() {
    if (state_->connection) state_->connection->checkpoint();
}

Result<void> Journal::write(const std::vector<JournalEntry>& entries) {
    try {
        // An earlier damage could not be repaired, for want of space for example.
        if (!state_->connection) state_->open(false);
        state_->write(entries);
        return {};
    } catch (const DatabaseError& failed) {
        if (!failed.is_corruption()) return failed.to_error();
        if (auto begun = state_->begin_anew(failed); !begun) return begun;
    }
    try {
        state_->write(entries);
        return {};
    } catch (const DatabaseError& failed) {
        return failed.to_error();
    }
}

Result<HistoryPruning> Journal::prune(WallTime before, HistoryPruning from, std::size_t rows_max,
                                      const FolderIsHere& is_here) {
    try {
        if (!state_->connection) state_->open(false);
        HistoryPruning done = prune_history(*state_->connection, before, std::move(from), rows_max, is_here);
        std::error_code ignored;
        for (const std::string& file : done.log_files) fs::remove(file, ignored);
        return done;
    } catch (const DatabaseError& failed) {
        return failed.to_error();
    }
}

void Journal::set_size_limit(std::uint64_t bytes) {
    state_->size_limit = bytes;
    if (state_->connection) state_->apply_size_limit();
}

std::optional<std::string> Journal::take_notice() {
    return std::exchange(state_->notice, std::nullopt);
}

std::string_view to_string(journal::SeriesStage stage) {
    constexpr std::array<std::string_view, 8> names = {"receiving",  "routing", "processing", "dispatching",
                                                       "collecting", "done",    "discarded",  "failed"};
    return names.at(static_cast<std::size_t>(stage));
}

}  // namespace quicksilver
