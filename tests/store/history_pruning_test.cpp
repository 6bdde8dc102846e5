#include "quicksilver/store/history_pruning.hpp"

#include "quicksilver/store/history.hpp"
#include "quicksilver/store/journal.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>

#include <set>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

struct PruningFixture {
    TemporaryFolder folder;
    std::unique_ptr<Journal> journal = *Journal::open(folder / "books.sqlite");
    database::Connection connection{folder / "books.sqlite", database::Mode::read_only};
    std::set<std::string> here;  // folders

    static WallTime day(int number) { return WallTime(std::chrono::hours(24 * (20'000 + number))); }
    static std::string task_of(const std::string& uid) { return "task-" + uid; }

    void write(const std::vector<JournalEntry>& entries) { REQUIRE(journal->write(entries).ok()); }

    void add_series(const std::string& uid, int at, journal::SeriesStage state = journal::SeriesStage::done) {
        journal::SeriesRegistered registered{day(at), uid, {}};
        registered.tags.add("StudyInstanceUID", "9");
        registered.tags.add("SeriesDescription", "Chest " + uid);
        write({registered, journal::SeriesState{day(at), uid, state, "", "", task_of(uid), 1, 1},
               journal::DicomFile{day(at), uid + "#1", "1", uid}, journal::SeriesDecision{day(at), uid, "t", "{}"},
               journal::TaskRegistered{day(at), task_of(uid), "", uid},
               journal::TaskEvent{day(at), task_of(uid), "d", TaskEventType::complete, 1, "pacs", ""},
               journal::ProcessorLog{day(at), task_of(uid), "bone", uid + "/0/a", 0, true, "said", ""},
               journal::ProcessorOutput{day(at), task_of(uid), "", "", "bone", 0, "{}", "{}"}});
    }

    /// A whole round in pieces of two.
    HistoryPruning prune(int before) {
        HistoryPruning round;
        for (int pieces = 0; !round.is_done; ++pieces) {
            REQUIRE(pieces < 100);
            auto piece =
                journal->prune(day(before), round, 2, [this](const std::string& name) { return here.contains(name); });
            REQUIRE(piece.ok());
            round = *std::move(piece);
        }
        return round;
    }

    std::int64_t rows(const std::string& table) { return connection.number("SELECT COUNT(*) FROM " + table); }
    std::string series_left() {
        return connection.text(
            "SELECT group_concat(series_uid, ' ') FROM (SELECT series_uid FROM series_state"
            " ORDER BY series_uid)");
    }
};

}  // namespace

TEST_CASE("What is older goes with all that belongs to it, and what is younger stays", "[store][retention]") {
    PruningFixture f;
    for (int n = 1; n <= 5; ++n) f.add_series(fmt::format("1.{}", n), n);
    CHECK(f.prune(4).series == 3);
    CHECK(f.series_left() == "1.4 1.5");
    for (const char* table : {"dicom_series", "dicom_files", "series_decisions", "tasks", "task_events",
                              "processor_logs", "processor_outputs"}) {
        INFO(table);
        CHECK(f.rows(table) == 2);
    }
    SeriesFilter filter;
    filter.search = "Chest";
    CHECK(History(f.connection).series(filter).size() == 2);
    CHECK(f.prune(4).series == 0);
}

TEST_CASE("A series stays while it is under way or its files are here", "[store][retention]") {
    PruningFixture f;
    f.add_series("1.1", 1);
    f.add_series("1.2", 1, journal::SeriesStage::dispatching);
    f.add_series("1.3", 1, journal::SeriesStage::failed);
    f.add_series("1.4", 1, journal::SeriesStage::discarded);
    f.here = {f.task_of("1.3"), "1.4"};
    f.prune(9);
    CHECK(f.series_left() == "1.2 1.3 1.4");
    CHECK(f.rows("task_events") == 3);
    f.here.clear();
    f.prune(9);
    CHECK(f.series_left() == "1.2");
}

TEST_CASE("A series that ended lately is not old, whenever it came", "[store][retention]") {
    PruningFixture f;
    f.add_series("1.1", 1, journal::SeriesStage::dispatching);
    f.write({journal::SeriesState{f.day(8), "1.1", journal::SeriesStage::done, "", "", "", 0, 0}});
    f.prune(5);
    CHECK(f.series_left() == "1.1");
}

TEST_CASE("The task of a study goes with the last of its series", "[store][retention]") {
    PruningFixture f;
    f.add_series("1.1", 1);
    f.add_series("1.2", 6);
    f.write({journal::TaskRegistered{f.day(1), "study", "", "1.1"},
             journal::TaskUpdated{f.day(1), "study", R"({"info": {"uid": "9", "uid_type": "study"},
                 "study": {"received_series_uid": ["1.1", "1.2"]}})"}});
    f.here = {"study"};
    f.prune(9);
    CHECK(f.series_left() == "1.1 1.2");
    f.here.clear();
    f.prune(5);
    CHECK(f.series_left() == "1.2");
    CHECK(History(f.connection).find_task("study").has_value());
    f.prune(9);
    CHECK_FALSE(History(f.connection).find_task("study").has_value());
}

TEST_CASE("What belongs to no series goes when it is old", "[store][retention]") {
    PruningFixture f;
    for (const int at : {1, 7}) {
        const std::string id = std::to_string(at);
        f.write({journal::MercureEvent{f.day(at), "s", MercureEventType::boot, Severity::info, ""},
                 journal::WebguiEvent{f.day(at), "s", WebguiEventType::login, "u", ""},
                 journal::DicomFile{f.day(at), "x", "1", "none"},
                 journal::TestBegun{f.day(at), id, "route", "series", ""},
                 journal::TaskRegistered{f.day(at), "lost-" + id, "", "none"},
                 journal::TaskEvent{f.day(at), "nowhere", "s", TaskEventType::copy, 0, "", ""}});
    }
    f.prune(5);
    for (const char* table : {"mercure_events", "webgui_events", "dicom_files", "tests", "tasks", "task_events"}) {
        INFO(table);
        CHECK(f.rows(table) == 1);
    }
}

TEST_CASE("The file of a log goes with its row", "[store][retention]") {
    PruningFixture f;
    f.add_series("1.1", 1);
    const auto file = f.folder / "said.txt";
    write_file(file, "said");
    f.write({journal::ProcessorLog{f.day(1), f.task_of("1.1"), "bone", "other/0/a", 0, true, "", file.string()}});
    f.prune(5);
    CHECK_FALSE(std::filesystem::exists(file));
}
