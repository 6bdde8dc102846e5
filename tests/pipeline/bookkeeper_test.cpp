#include "quicksilver/pipeline/bookkeeper.hpp"

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/store/database.hpp"
#include "quicksilver/store/reader.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::StageFixture {
    CoroutineGroup group{io.get_executor(), nullptr};

    void close(Bookkeeper& keeper) {
        test::run_handler(io, [this] { group.cancel(); });
        run_until([&] { return group.empty(); });
        test::run_coroutine(io, keeper.close());
    }
};

}  // namespace

TEST_CASE("What is recorded is in the database after the batch", "[pipeline][bookkeeper]") {
    Fixture f;
    f.group.start("books", f.books.run());
    f.books.task_event("t", "router.main", TaskEventType::registered, 7, "rule", "Registered series");
    f.run_until([&] { return f.books.written() == 1; });
    f.close(f.books);
    Reader reader(f.root / "books.sqlite");
    const auto events = reader.task_events("t");
    REQUIRE(events.ok());
    REQUIRE(events->size() == 1);
    CHECK(events->front().event == "REGISTER");
    CHECK(events->front().file_count == 7);
}

TEST_CASE("Closing writes what is still pending", "[pipeline][bookkeeper]") {
    Fixture f;
    for (int i = 0; i < 1234; ++i) f.books.task_event("t", "router.main", TaskEventType::copy, 1, "", "");
    f.close(f.books);
    Reader reader(f.root / "books.sqlite");
    CHECK(reader.task_events("t")->size() == 1234);
}

TEST_CASE("Entries wait while the database cannot be written, and are written in order when it can",
          "[pipeline][bookkeeper]") {
    Fixture f;
    // A folder in the place of the database.
    const auto database = f.root / "blocked" / "books.sqlite";
    test::write_file(f.root / "blocked", "a file where a folder should be");
    Bookkeeper keeper(f.io.get_executor(), f.journal, database, false, f.clock, f.log);
    f.group.start("books", keeper.run());
    keeper.task_event("t", "router.main", TaskEventType::registered, 1, "", "first");
    f.run_until([&] { return f.clock.waiters() == 1; });
    keeper.task_event("t", "router.main", TaskEventType::complete, 1, "", "second");
    CHECK(keeper.written() == 0);
    CHECK(keeper.pending() == 2);
    std::filesystem::remove(f.root / "blocked");
    std::filesystem::create_directories(f.root / "blocked");
    f.clock.advance(6s);
    f.run_until([&] { return keeper.written() == 2; });
    f.close(keeper);
    Reader reader(database);
    const auto events = reader.task_events("t");
    REQUIRE(events->size() == 2);
    CHECK(events->front().info == "first");
    CHECK(events->back().info == "second");
}

TEST_CASE("What is older than it has to be kept is removed now and then", "[pipeline][bookkeeper]") {
    Fixture f;
    const WallTime now = f.clock.wall_now();
    f.books.record(journal::SeriesState{now - 48h, "1.1", journal::SeriesStage::done, "", "", "", 1, 1});
    f.books.record(journal::SeriesState{now, "1.2", journal::SeriesStage::done, "", "", "", 1, 1});
    f.group.start("books", f.books.run());
    f.run_until([&] { return f.books.written() == 2; });
    std::chrono::duration<double> kept{0};
    f.group.start("old", f.books.prune([&] { return kept; }, [](const std::string&) { return false; }));
    database::Connection connection(f.root / "books.sqlite", database::Mode::read_only);
    const auto left = [&] { return connection.text("SELECT group_concat(series_uid) FROM series_state"); };
    f.run_until([&] { return f.clock.waiters() == 1; });
    f.clock.advance(1h);  // kept for ever
    f.run_until([&] { return f.clock.waiters() == 1; });
    CHECK(left() == "1.1,1.2");
    kept = 24h;
    f.clock.advance(1h);
    f.run_until([&] { return left() == "1.2"; });
    f.close(f.books);
}
