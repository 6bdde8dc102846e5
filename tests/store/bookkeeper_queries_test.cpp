#include "quicksilver/store/bookkeeper_queries.hpp"

#include "quicksilver/store/journal.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("What modules of a task and of those it made said is found", "[store][bookkeeper]") {
    const TemporaryFolder folder;
    const auto journal = *Journal::open(folder / "q.sqlite");
    const WallTime now{std::chrono::seconds(1'790'000'000)};
    const auto log = [now](const char* task, const char* run, const char* text, const char* file) {
        return journal::ProcessorLog{now, task, "bone", run, 0, false, text, file};
    };
    REQUIRE(journal
                ->write({journal::TaskRegistered{now, "t1", "", "1.2"}, journal::TaskRegistered{now, "t2", "t1", "1.2"},
                         log("t1", "t1/0/a", "own", ""), log("t2", "t2/0/a", "", "/logs/of-a-child.txt"),
                         log("t9", "t9/0/a", "of another", "")})
                .ok());
    database::Connection connection(folder / "q.sqlite", database::Mode::read_only);
    const auto logs = BookkeeperQueries(connection).process_logs("t1");
    REQUIRE(logs.size() == 2);
    CHECK(logs[0].text == "own");
    CHECK(logs[1].file == "/logs/of-a-child.txt");
    CHECK(BookkeeperQueries(connection).process_results("t1").empty());
    CHECK(BookkeeperQueries(connection).find_tasks({}).total == 1);
}
