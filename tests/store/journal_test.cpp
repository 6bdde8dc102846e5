#include "quicksilver/store/journal.hpp"

#include "quicksilver/store/database.hpp"
#include "quicksilver/store/reader.hpp"

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace quicksilver;
using namespace quicksilver::test;
using namespace quicksilver::journal;

namespace fs = std::filesystem;

namespace {

const WallTime noon{std::chrono::seconds(1'790'000'000)};

Tags tags(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

struct JournalFixture {
    TemporaryFolder folder;
    fs::path file = folder / "db/quicksilver.sqlite";

    std::unique_ptr<Journal> open(bool check = false) {
        auto journal = Journal::open(file, check);
        if (!journal) FAIL(journal.error().message);
        return std::move(*journal);
    }
    void write(const std::vector<JournalEntry>& entries) {
        const auto journal = open();
        const auto written = journal->write(entries);
        if (!written) FAIL(written.error().message);
    }
    /// The only row of a query with one column.
    std::string ask(const std::string& sql) { return database::Connection(file, database::Mode::read_only).text(sql); }
    std::vector<fs::path> moved_aside() {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(file.parent_path())) {
            const std::string name = entry.path().filename().string();
            if (name.find(".corrupt-") != std::string::npos && !name.ends_with("-wal") && !name.ends_with("-shm")) {
                found.push_back(entry.path());
            }
        }
        return found;
    }
};

MercureEvent event(const std::string& description) {
    return MercureEvent{noon, "router.main", MercureEventType::processing, Severity::warning, description};
}

}  // namespace

TEST_CASE("Every kind of entry reaches its table", "[store][journal]") {
    JournalFixture f;
    f.write({event("hello"), WebguiEvent{noon, "webgui.main", WebguiEventType::rule_edit, "admin", "ruleA"},
             DicomFile{noon, "1.2.3#4.dcm", "4", "1.2.3"},
             SeriesRegistered{noon, "1.2.3", tags({{"StudyInstanceUID", "1.2"}, {"Modality", "MR"}, {"StudyID", ""}})},
             SeriesState{noon, "1.2.3", SeriesStage::routing, "", "ruleA, ruleB", "task", 12, 345},
             SeriesDecision{noon, "1.2.3", "task", "{}"}, TaskRegistered{noon, "task", "", "1.2.3"},
             TaskRegistered{noon, "child", "task", "1.2.3"},
             TaskEvent{noon, "child", "router.main", TaskEventType::registered, 12, "ruleA", "Registered series"}});

    CHECK(f.ask("SELECT time || ' ' || sender || ' ' || event || ' ' || severity || ' ' || description"
                " FROM mercure_events") == rfc3339(noon) + " router.main PROCESSING 1 hello");
    CHECK(f.ask("SELECT sender || ' ' || event || ' ' || user || ' ' || description FROM webgui_events") ==
          "webgui.main RULE_EDIT admin ruleA");
    CHECK(f.ask("SELECT filename || ' ' || file_uid || ' ' || series_uid FROM dicom_files") == "1.2.3#4.dcm 4 1.2.3");
    CHECK(f.ask("SELECT study_uid || ' ' || tag_modality || ' [' || tag_studyid || '] ' || (tag_patientid IS NULL)"
                " FROM dicom_series") == "1.2 MR [] 1");
    CHECK(f.ask("SELECT json_extract(tags, '$.Modality') FROM dicom_series") == "MR");
    CHECK(f.ask("SELECT state || ' ' || rules || ' ' || task_id || ' ' || instances || ' ' || bytes"
                " FROM series_state") == "routing ruleA, ruleB task 12 345");
    CHECK(f.ask("SELECT series_uid || ' ' || task_id || ' ' || decision FROM series_decisions") == "1.2.3 task {}");
    CHECK(f.ask("SELECT group_concat(id || '<' || ifnull(parent_id, '-')) FROM tasks") == "task<-,child<task");
    CHECK(f.ask("SELECT task_id || ' ' || event || ' ' || file_count || ' ' || target || ' ' || info"
                " FROM task_events") == "child REGISTER 12 ruleA Registered series");
}

TEST_CASE("The first registration of a series wins", "[store][journal]") {
    JournalFixture f;
    f.write({SeriesRegistered{noon, "1.2.3", tags({{"Modality", "MR"}})},
             SeriesRegistered{noon, "1.2.3", tags({{"Modality", "CT"}})}});
    CHECK(f.ask("SELECT group_concat(tag_modality) FROM dicom_series") == "MR");
}

TEST_CASE("The last state of a series counts, and keeps what it does not say", "[store][journal]") {
    JournalFixture f;
    const WallTime later = noon + std::chrono::minutes(1);
    f.write({SeriesState{noon, "1", SeriesStage::routing, "", "ruleA", "task", 3, 30},
             SeriesState{later, "1", SeriesStage::failed, "target refused", "", "", 0, 0}});
    CHECK(
        f.ask(
            "SELECT state || ' ' || outcome || ' ' || rules || ' ' || task_id || ' ' || instances FROM series_state") ==
        "failed target refused ruleA task 3");
    CHECK(f.ask("SELECT first_seen FROM series_state") == rfc3339(noon));
    CHECK(f.ask("SELECT since FROM series_state") == rfc3339(later));
}

TEST_CASE("A task.json brings the study and what the archive searches for", "[store][journal]") {
    JournalFixture f;
    f.write({TaskRegistered{noon, "t", "", "1.2.3"},
             TaskUpdated{noon, "t", R"({"info": {"uid": "9.9", "uid_type": "study", "acc": "A1", "mrn": "M1",
                                                "applied_rule": "r"}})"},
             TaskUpdated{noon, "only-updated", R"({"info": {"uid": "7", "uid_type": "series"}})"}});
    CHECK(f.ask("SELECT series_uid || ' ' || study_uid || ' ' || acc || ' ' || mrn || ' ' || applied_rule FROM tasks"
                " WHERE id = 't'") == "1.2.3 9.9 A1 M1 r");
    CHECK(f.ask("SELECT series_uid FROM tasks WHERE id = 'only-updated'") == "7");
}

TEST_CASE("A task.json that is none does not hold up the batch", "[store][journal]") {
    const char* bad = GENERATE("", "{", "[]", "5", R"({"info": 5})", R"({"info": {"uid": {}, "uid_type": "series"}})");
    JournalFixture f;
    f.write({TaskUpdated{noon, "t", bad}, event("after")});
    CHECK(f.ask("SELECT description FROM mercure_events") == "after");
}

TEST_CASE("A task.json that is nested too deep for the database does not hold up the batch", "[store][journal]") {
    JournalFixture f;
    f.write({TaskUpdated{noon, "t", std::string(3'000, '[') + std::string(3'000, ']')}, event("after")});
    CHECK(f.ask("SELECT description FROM mercure_events") == "after");
}

TEST_CASE("Names in any encoding are stored as text that is JSON", "[store][journal]") {
    JournalFixture f;
    f.write({SeriesRegistered{noon, "1", tags({{"PatientName", "M\xfcller"}, {"a\"b", "\\"}})}});
    CHECK(nlohmann::json::accept(f.ask("SELECT tags FROM dicom_series")));
}

TEST_CASE("A hundred thousand events are written in a moment", "[store][journal]") {
    JournalFixture f;
    const auto journal = f.open();
    std::vector<JournalEntry> batch;
    for (int i = 0; i < 500; ++i) {
        batch.push_back(TaskEvent{noon, "task-" + std::to_string(i % 50), "dispatcher.main",
                                  TaskEventType::dispatch_begin, 100, "pacs", "Routing job running"});
    }
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 200; ++i) REQUIRE(journal->write(batch));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    INFO("100,000 events in " << took.count() << " s");
    CHECK(took.count() < 30);  // generous: sanitizers and a busy machine; usually well below one second
    CHECK(f.ask("SELECT COUNT(*) FROM task_events") == "100000");
    CHECK(fs::file_size(f.file.string() + "-wal") < (32U << 20));
}

TEST_CASE("A process that dies within a batch leaves a database with all batches before it",
          "[store][journal][crash]") {
    JournalFixture f;
    f.write({event("before")});
    const pid_t child = fork();
    if (child == 0) {
        auto journal = Journal::open(f.file);
        if (!journal || !(*journal)->write({event("committed")})) _exit(1);
        database::Connection connection(f.file, database::Mode::read_write);
        database::Transaction transaction(connection);
        connection.execute("DELETE FROM mercure_events");
        _exit(0);  // nothing is closed, nothing is rolled back
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    const auto journal = f.open(true);
    CHECK_FALSE(journal->take_notice());
    CHECK(f.ask("SELECT group_concat(description) FROM mercure_events") == "before,committed");
}

TEST_CASE("A file that is no database is moved aside and a new one begun, and the operator told", "[store][journal]") {
    const std::string garbage = GENERATE(std::string(8192, 'x'), std::string(600, '\0'));
    JournalFixture f;
    write_file(f.file, garbage);
    const auto journal = f.open();
    REQUIRE(journal->write({event("new")}));
    const auto notice = journal->take_notice();
    REQUIRE(notice);
    CHECK(notice->find(".corrupt-") != std::string::npos);
    CHECK_FALSE(journal->take_notice());
    REQUIRE(f.moved_aside().size() == 1);
    CHECK(read_file(f.moved_aside().front()) == garbage);
    CHECK(f.ask("SELECT COUNT(*) FROM mercure_events") == "1");
}

TEST_CASE("A page that is damaged is found by the check after a power cut", "[store][journal]") {
    JournalFixture f;
    {
        const auto journal = f.open();
        std::vector<JournalEntry> batch(2000, event(std::string(200, 'x')));
        REQUIRE(journal->write(batch));
    }
    std::string bytes = read_file(f.file);
    REQUIRE(bytes.size() > 100'000);
    for (std::size_t page = 20; page < 60; ++page) bytes.replace(page * 4096, 4096, 4096, '\x5a');
    write_file(f.file, bytes);
    const auto journal = f.open(true);
    CHECK(journal->take_notice());
    CHECK(f.ask("SELECT COUNT(*) FROM mercure_events") == "0");
}

TEST_CASE("A database damaged while it is open is replaced, and the batch is not lost", "[store][journal]") {
    JournalFixture f;
    const auto journal = f.open();
    REQUIRE(journal->write(std::vector<JournalEntry>(5000, event(std::string(200, 'x')))));
    database::Connection(f.file, database::Mode::read_write).checkpoint();
    {
        // In place, as a failing disk would: the same file under the open connection.
        const std::string noise(fs::file_size(f.file) - 100, '\x5a');
        const int file = ::open(f.file.c_str(), O_WRONLY);
        REQUIRE(::pwrite(file, noise.data(), noise.size(), 100) == static_cast<ssize_t>(noise.size()));
        ::close(file);
    }
    bool told = false;
    for (int i = 0; i < 50 && !told; ++i) {
        const auto written =
            journal->write(std::vector<JournalEntry>(100, DicomFile{noon, "a", "b", std::to_string(i)}));
        REQUIRE(written.ok());
        told = journal->take_notice().has_value();
    }
    CHECK(told);
    CHECK(f.ask("PRAGMA quick_check") == "ok");
    CHECK(f.ask("SELECT COUNT(*) > 0 FROM dicom_files") == "1");
}

TEST_CASE("A database of a newer program is left alone", "[store][journal]") {
    JournalFixture f;
    f.write({event("kept")});
    database::Connection(f.file, database::Mode::read_write).execute("PRAGMA user_version=999");
    const auto journal = Journal::open(f.file);
    REQUIRE_FALSE(journal.ok());
    CHECK(journal.error().code == Errc::invalid);
    CHECK(f.moved_aside().empty());
    CHECK(f.ask("SELECT description FROM mercure_events") == "kept");
}

TEST_CASE("A full disk is an error, and the same batch is written once there is room", "[store][journal][faults]") {
    JournalFixture f;
    const auto journal = f.open();
    REQUIRE(journal->write({event("first")}));
    // The limit gives the same SQLITE_FULL as a disk.
    journal->set_size_limit(64UL << 10);
    const std::vector<JournalEntry> batch(2000, event(std::string(300, 'x')));
    const auto full = journal->write(batch);
    REQUIRE_FALSE(full.ok());
    CHECK(full.error().code == Errc::no_space);
    CHECK(f.ask("SELECT COUNT(*) FROM mercure_events") == "1");
    journal->set_size_limit(0);
    REQUIRE(journal->write(batch));
    CHECK(f.ask("SELECT COUNT(*) FROM mercure_events") == "2001");
}

TEST_CASE("Closing moves the write-ahead log into the database", "[store][journal]") {
    JournalFixture f;
    f.write({event("x")});
    CHECK_FALSE(fs::exists(f.file.string() + "-wal"));
}

TEST_CASE("The output of a module grows while it runs, and begins anew with the next try", "[store][journal]") {
    JournalFixture f;
    ProcessorLog part;
    part.time = noon;
    part.task_id = "t";
    part.module = "seg";
    part.run = "t/0/a";
    part.is_first = true;
    part.text = "one\n";
    ProcessorLog more = part;
    more.is_first = false;
    more.text = "two\n";
    ProcessorLog next = more;
    next.chunk = 1;
    f.write({part, more, next});
    CHECK(f.ask("SELECT group_concat(logs, '|') FROM processor_logs ORDER BY chunk") == "one\ntwo\n|two\n");
    f.write({part});
    CHECK(f.ask("SELECT group_concat(logs, '|') FROM processor_logs") == "one\n");

    ProcessorLog elsewhere = part;
    elsewhere.run = "t/1/a";
    elsewhere.file = "/logs/t/seg.1.txt";
    f.write({elsewhere});
    CHECK(f.ask("SELECT file FROM processor_logs WHERE logs IS NULL") == "/logs/t/seg.1.txt");
}

TEST_CASE("The result of a module is kept", "[store][journal]") {
    JournalFixture f;
    f.write({ProcessorOutput{noon, "t", "acc", "mrn", "seg", 1, "{}", "[1, 2]"}});
    CHECK(f.ask("SELECT module || \"index\" || task_acc || task_mrn || output FROM processor_outputs") ==
          "seg1accmrn[1, 2]");
}

TEST_CASE("States are named for people", "[store][journal]") {
    CHECK(to_string(SeriesStage::receiving) == "receiving");
    CHECK(to_string(SeriesStage::collecting) == "collecting");
    CHECK(to_string(SeriesStage::failed) == "failed");
}

TEST_CASE("What is known of a renamed object stays known under its new name", "[store][journal]") {
    JournalFixture f;
    const WallTime now{};
    const auto event = [&](const char* sender, TaskEventType type) {
        return journal::TaskEvent{now, "t", sender, type, 1, "x", ""};
    };
    f.write({journal::SeriesState{now, "1", journal::SeriesStage::done, "", "x, xx", "", 1, 1},
             journal::SeriesState{now, "2", journal::SeriesStage::done, "", "a, x", "", 1, 1},
             journal::TaskUpdated{now, "t", R"({"info": {"applied_rule": "x"}})"},
             event("dispatcher.main", TaskEventType::dispatch_begin), event("dispatcher.main", TaskEventType::error),
             event("processor.main", TaskEventType::process_module_begin),
             event("processor.main", TaskEventType::error)});
    f.write({journal::Renamed{journal::Renamed::Kind::rule, "x", "chest"}});
    f.write({journal::Renamed{journal::Renamed::Kind::target, "x", "pacs"}});
    f.write({journal::Renamed{journal::Renamed::Kind::module, "x", "bone"}});
    database::Connection connection(f.file, database::Mode::read_only);
    CHECK(connection.text("SELECT group_concat(rules, '; ') FROM series_state") == "chest, xx; a, chest");
    CHECK(connection.text("SELECT applied_rule FROM tasks") == "chest");
    CHECK(connection.text("SELECT group_concat(target) FROM (SELECT target FROM task_events ORDER BY id)") ==
          "pacs,pacs,bone,bone");
}
