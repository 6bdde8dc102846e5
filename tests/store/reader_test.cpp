#include "quicksilver/store/reader.hpp"

#include "quicksilver/store/journal.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using namespace quicksilver::journal;

namespace {

const WallTime noon{std::chrono::seconds(1'790'000'000)};

Tags tags(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

struct ReaderFixture {
    TemporaryFolder folder;
    std::filesystem::path file = folder / "quicksilver.sqlite";
    std::unique_ptr<Journal> journal = open();
    Reader reader{file};

    std::unique_ptr<Journal> open() {
        auto opened = Journal::open(file);
        if (!opened) throw std::runtime_error(opened.error().message);
        return std::move(*opened);
    }
    void write(const std::vector<JournalEntry>& entries) { REQUIRE(journal->write(entries).ok()); }
};

}  // namespace

TEST_CASE("Recent series come newest first, a page at a time, with their state", "[store][reader]") {
    ReaderFixture f;
    for (const char* uid : {"1", "2", "3"}) {
        f.write({SeriesRegistered{noon, uid, tags({{"Modality", "MR"}, {"SeriesDescription", "T1"}})}});
    }
    f.write({SeriesState{noon, "2", SeriesStage::done, "sent to pacs", "ruleA", "task", 5, 50}});

    const auto page = f.reader.recent_series(2);
    REQUIRE(page.ok());
    REQUIRE(page->size() == 2);
    CHECK((*page)[0].series_uid == "3");
    CHECK((*page)[0].state.empty());
    CHECK((*page)[1].state == "done");
    CHECK((*page)[1].outcome == "sent to pacs");
    CHECK((*page)[1].instances == 5);
    CHECK((*page)[1].modality == "MR");
    CHECK((*page)[1].time == rfc3339(noon));
    const auto next = f.reader.recent_series(2, (*page)[1].id);
    REQUIRE(next->size() == 1);
    CHECK((*next)[0].series_uid == "1");
}

TEST_CASE("Series are counted by state", "[store][reader]") {
    ReaderFixture f;
    f.write({SeriesState{noon, "1", SeriesStage::done, "", "", "", 0, 0},
             SeriesState{noon, "2", SeriesStage::done, "", "", "", 0, 0},
             SeriesState{noon, "3", SeriesStage::failed, "", "", "", 0, 0}});
    const auto counts = f.reader.series_by_state();
    REQUIRE(counts.ok());
    CHECK(*counts == std::map<std::string, std::uint64_t>{{"done", 2}, {"failed", 1}});
}

TEST_CASE("The tags of a series are a JSON object, none for an unknown one", "[store][reader]") {
    ReaderFixture f;
    f.write({SeriesRegistered{noon, "1", tags({{"Modality", "MR"}})}});
    CHECK(*f.reader.series_tags("1") == R"({"Modality":"MR"})");
    CHECK(f.reader.series_tags("2")->empty());
}

TEST_CASE("The decisions for a series come newest first, one for each part", "[store][reader]") {
    ReaderFixture f;
    f.write({SeriesDecision{noon, "1", "first", R"({"triggered":["a"]})"}, SeriesDecision{noon, "2", "other", "{}"},
             SeriesDecision{noon, "1", "second", R"({"triggered":[]})"}});
    const auto decisions = f.reader.decisions("1");
    REQUIRE(decisions.ok());
    REQUIRE(decisions->size() == 2);
    CHECK((*decisions)[0].task_id == "second");
    CHECK((*decisions)[1].decision_json == R"({"triggered":["a"]})");
    CHECK(f.reader.decisions("1", 1)->size() == 1);
    CHECK(f.reader.decisions("3")->empty());
}

TEST_CASE("The events of a task include those of the tasks it made", "[store][reader]") {
    ReaderFixture f;
    f.write({TaskRegistered{noon, "parent", "", "1"}, TaskRegistered{noon, "child", "parent", "1"},
             TaskRegistered{noon, "other", "", "2"},
             TaskEvent{noon, "parent", "router.main", TaskEventType::registered, 3, "r", ""},
             TaskEvent{noon, "other", "router.main", TaskEventType::registered, 1, "r", ""},
             TaskEvent{noon, "child", "dispatcher.main", TaskEventType::dispatch_complete, 3, "pacs", "done"}});
    const auto events = f.reader.task_events("parent");
    REQUIRE(events.ok());
    REQUIRE(events->size() == 2);
    CHECK((*events)[0].event == "REGISTER");
    CHECK((*events)[0].file_count == 3);
    CHECK((*events)[1].task_id == "child");
    CHECK((*events)[1].target == "pacs");
    CHECK(f.reader.task_events("parent", 1)->size() == 1);

    const auto tasks = f.reader.recent_tasks(10);
    REQUIRE(tasks->size() == 2);  // children are not listed
    CHECK((*tasks)[0].parent_id.empty());
}

TEST_CASE("A reader without a database says so, and finds it once it is there", "[store][reader]") {
    TemporaryFolder folder;
    Reader reader(folder / "db.sqlite");
    const auto none = reader.series_by_state();
    REQUIRE_FALSE(none.ok());
    CHECK(none.error().code == Errc::not_found);
    const auto journal = Journal::open(folder / "db.sqlite");
    REQUIRE(journal.ok());
    CHECK(reader.series_by_state().ok());
}

TEST_CASE("A reader follows when the database is replaced", "[store][reader]") {
    ReaderFixture f;
    f.write({SeriesRegistered{noon, "old", Tags()}});
    CHECK(f.reader.recent_series(10)->size() == 1);
    f.journal.reset();
    std::filesystem::rename(f.file, f.folder / "old.sqlite");
    f.journal = f.open();
    f.write({SeriesRegistered{noon, "new", Tags()}});
    const auto series = f.reader.recent_series(10);
    REQUIRE(series->size() == 1);
    CHECK((*series)[0].series_uid == "new");
}

TEST_CASE("What modules said comes in order, a page at a time, also of the tasks that a task made", "[store][reader]") {
    ReaderFixture f;
    const auto log = [](const char* task, unsigned chunk, bool is_first, const char* text) {
        ProcessorLog entry;
        entry.time = noon;
        entry.task_id = task;
        entry.module = "segment";
        entry.run = std::string(task) + "-run";
        entry.chunk = chunk;
        entry.is_first = is_first;
        entry.text = text;
        return entry;
    };
    TaskRegistered child;
    child.time = noon;
    child.id = "child";
    child.parent_id = "parent";
    f.write({child, log("parent", 0, true, "one\n"), log("other", 0, true, "not this\n"),
             log("child", 0, true, "two\n"), log("child", 1, false, "three\n")});
    const auto logs = f.reader.processor_logs("parent", 2);
    REQUIRE(logs.ok());
    REQUIRE(logs->size() == 2);
    CHECK((*logs)[0].text == "one\n");
    CHECK((*logs)[0].module == "segment");
    CHECK((*logs)[1].task_id == "child");
    const auto rest = f.reader.processor_logs("parent", 2, (*logs)[1].id);
    REQUIRE(rest->size() == 1);
    CHECK((*rest)[0].text == "three\n");
    CHECK((*rest)[0].chunk == 1);
    CHECK(f.reader.processor_logs("nobody", 10)->empty());
}

TEST_CASE("The results of a task's modules come in their order", "[store][reader]") {
    ReaderFixture f;
    const auto output = [](const char* task, unsigned index, const char* json) {
        ProcessorOutput entry;
        entry.time = noon;
        entry.task_id = task;
        entry.module = "segment";
        entry.index = index;
        entry.settings = "{}";
        entry.output = json;
        return entry;
    };
    f.write({output("task", 0, R"({"a":1})"), output("other", 0, "{}"), output("task", 1, "[2]")});
    const auto outputs = f.reader.processor_outputs("task");
    REQUIRE(outputs.ok());
    REQUIRE(outputs->size() == 2);
    CHECK((*outputs)[0].output_json == R"({"a":1})");
    CHECK((*outputs)[1].index == 1);
    CHECK((*outputs)[1].settings_json == "{}");
}
