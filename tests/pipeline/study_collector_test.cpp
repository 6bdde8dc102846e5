#include "quicksilver/pipeline/study_collector.hpp"

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/store/database.hpp"
#include "quicksilver/store/reader.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

const std::string study_uid = "1.2.3";
const std::string key = "1.2.3#brain";

struct Fixture : test::StageFixture {
    StudyFolders studies{folders, clock};
    bool arriving = false;
    std::vector<std::pair<Stage, std::string>> hints;
    std::unique_ptr<StudyCollector> collector;
    CoroutineGroup group{io.get_executor(), nullptr};
    int parts = 0;

    Fixture() {
        reconfigure([](Config& changed) {
            changed.study_complete_trigger = Seconds(900);
            changed.study_forcecomplete_trigger = Seconds(5400);
        });
        start();
    }
    ~Fixture() { stop(); }

    void start() {
        const auto is_arriving = [this](const std::string& uid) { return arriving && uid == study_uid; };
        const auto hint = [this](Stage stage, const std::string& id) { hints.emplace_back(stage, id); };
        collector = std::make_unique<StudyCollector>(context(), studies, is_arriving, hint);
        group.start("studies", collector->run());
    }
    void stop() {
        if (!collector) return;
        test::run_handler(io, [this] { group.cancel(); });
        run_until([&] { return group.empty(); });
        collector.reset();
    }

    /// What the router does with a series of the study. Returns the task's id of the study's first series.
    void add(const std::string& series, const std::function<void(TaskFile&)>& change = nullptr) {
        Tags tags;
        tags.set("SeriesDescription", series);
        tags.set("SeriesInstanceUID", series);
        TaskFile task;
        task.id = "task" + std::to_string(++parts);
        task.info = make_task_info(tags, study_uid, "study", {});
        task.info.applied_rule = "brain";
        task.study = make_task_study(tags, study_uid, clock.wall_now());
        task.dispatch = make_task_dispatch({"pacs"}, clock.wall_now());
        if (change) change(task);
        const auto part = root / "studies" / (".new-" + task.id);
        test::write_file(part / (series + "#1.dcm"), "image");
        REQUIRE(write_task_file(ops, part, task).ok());
        REQUIRE(studies.add(part, key).ok());
    }
    void tell() {
        test::run_handler(io, [this] { collector->joined(key); });
        settle();
    }
    /// Until the collector has looked and waits again.
    void settle() {
        run_until([&] { return clock.waiters() > 0; });
    }
    bool collecting() const { return std::filesystem::exists(root / "studies" / key); }
    /// In strides, and second by second at the end, as the collector looks.
    void pass(std::chrono::seconds time) {
        while (time > 0s) {
            const std::chrono::seconds step = time > 5s ? std::min<std::chrono::seconds>(time - 5s, 300s) : 1s;
            time -= step;
            clock.advance(step);
            io.restart();
            io.poll();
            run_until([this] { return clock.waiters() > 0; });
        }
    }
    std::vector<std::string> events(const std::string& task) {
        test::run_coroutine(io, books.close());
        Reader reader(root / "books.sqlite");
        std::vector<std::string> found;
        const auto rows = reader.task_events(task);
        for (const TaskEventRow& row : *rows) found.push_back(row.event + ": " + row.info);
        return found;
    }
};

}  // namespace

TEST_CASE("A study moves on when no series has come for the time, as one task", "[pipeline][studies]") {
    Fixture f;
    f.add("1.1");
    f.tell();
    f.pass(600s);
    f.add("1.2");
    f.tell();
    f.pass(899s);
    CHECK(f.collecting());
    CHECK(f.collector->status().collecting == 1);
    f.pass(2s);
    CHECK_FALSE(f.collecting());
    REQUIRE(f.hints == std::vector<std::pair<Stage, std::string>>{{Stage::outgoing, "task1"}});
    CHECK(TaskFolders::instances(f.root / "outgoing/task1")->size() == 2);
    CHECK(f.collector->status().completed_total == 1);
}

TEST_CASE("Setting the wall clock neither completes a study nor holds it back", "[pipeline][studies]") {
    const auto shift = GENERATE(-48h, 48h);
    Fixture f;
    f.add("1.1");
    f.tell();
    f.pass(100s);
    f.clock.set_wall(f.clock.wall_now() + shift);
    f.pass(799s);
    CHECK(f.collecting());
    f.pass(3s);
    CHECK_FALSE(f.collecting());
}

TEST_CASE("A series of the study that is still arriving holds it back", "[pipeline][studies]") {
    Fixture f;
    f.add("1.1");
    f.arriving = true;
    f.tell();
    f.pass(1000s);
    CHECK(f.collecting());
    REQUIRE(f.collector->views().size() == 1);
    CHECK(f.collector->views().front().verdict.reason.find("arriving") != std::string::npos);
    f.arriving = false;
    f.pass(2s);
    CHECK_FALSE(f.collecting());
}

TEST_CASE("A restart goes on counting where the last run was", "[pipeline][studies]") {
    Fixture f;
    f.add("1.1");
    f.tell();
    f.pass(600s);
    f.stop();
    f.clock.advance(200s);
    f.start();
    f.settle();
    f.pass(99s);
    CHECK(f.collecting());
    f.pass(3s);
    CHECK_FALSE(f.collecting());
}

TEST_CASE("A file .force-complete that another program makes completes the study", "[pipeline][studies]") {
    Fixture f;
    f.add("1.1");
    f.tell();
    test::write_file(f.root / "studies" / key / ".force-complete", "");
    f.pass(2s);
    CHECK_FALSE(f.collecting());
    CHECK(read_task_file(f.root / "outgoing/task1")->study->complete_force);
    CHECK_FALSE(std::filesystem::exists(f.root / "outgoing/task1/.force-complete"));
}

TEST_CASE("A study goes where the action of its rule sends it", "[pipeline][studies]") {
    struct Case {
        const char* action;
        bool has_target;
        Stage stage;
    };
    const auto c = GENERATE(Case{"route", true, Stage::outgoing}, Case{"route", false, Stage::error},
                            Case{"process", false, Stage::processing}, Case{"both", true, Stage::processing},
                            Case{"notification", false, Stage::success});
    CAPTURE(c.action, c.has_target);
    Fixture f;
    f.add("1.1", [&](TaskFile& task) {
        task.info.action = c.action;
        if (!c.has_target) task.dispatch.reset();
    });
    f.tell();
    f.pass(902s);
    REQUIRE(f.hints.size() == 1);
    CHECK(f.hints.front().first == c.stage);
    const auto task = read_task_file(f.folders.path(c.stage, "task1"));
    REQUIRE(task.ok());
    CHECK(task->info.fail_reason.has_value() == (c.stage == Stage::error));
}

TEST_CASE("An incomplete study whose time is up is discarded, or goes on, and the events say why",
          "[pipeline][studies]") {
    const std::string action = GENERATE("discard", "proceed");
    Fixture f;
    f.add("1.1", [&](TaskFile& task) {
        task.study->complete_trigger = "received_series";
        task.study->complete_required_series = "'1.1' and 'never'";
        task.study->complete_force_action = action;
    });
    f.tell();
    f.pass(5399s);
    CHECK(f.collecting());
    f.pass(3s);
    REQUIRE(f.hints.size() == 1);
    CHECK(f.hints.front().first == (action == "discard" ? Stage::discard : Stage::outgoing));
    const auto events = f.events("task1");
    REQUIRE_FALSE(events.empty());
    CHECK(events.back().find("after 5400 s, incomplete") != std::string::npos);
    CHECK((events.front().rfind("DISCARD", 0) == 0) == (action == "discard"));
}

TEST_CASE("A person completes, discards or extends a study", "[pipeline][studies]") {
    Fixture f;
    Result<void> done;
    const auto call = [&](boost::asio::awaitable<Result<void>> what) {
        auto run = [](boost::asio::awaitable<Result<void>> action,
                      Result<void>& result) -> boost::asio::awaitable<void> { result = co_await std::move(action); };
        bool ended = false;
        boost::asio::co_spawn(f.io, run(std::move(what), done), [&](std::exception_ptr) { ended = true; });
        f.run_until([&] { return ended; });
        f.settle();
    };
    f.add("1.1");
    f.tell();
    f.pass(800s);
    call(f.collector->extend(key));
    CHECK(done.ok());
    f.pass(800s);
    CHECK(f.collecting());
    call(f.collector->complete(key));
    CHECK(done.ok());
    f.pass(1s);
    CHECK_FALSE(f.collecting());
    CHECK(f.hints.back().first == Stage::outgoing);

    f.add("1.2");
    f.tell();
    call(f.collector->discard(key));
    CHECK(done.ok());
    CHECK(f.hints.back().first == Stage::discard);
    call(f.collector->discard(key));
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().code == Errc::not_found);
}

TEST_CASE("A series that comes after its study moved on is collected again, and the events say so",
          "[pipeline][studies]") {
    Fixture f;
    f.add("1.1");
    f.tell();
    f.pass(902s);
    CHECK_FALSE(f.collecting());
    f.add("1.2");
    f.tell();
    f.pass(1s);
    CHECK(f.collecting());
    const auto events = f.events("task2");
    REQUIRE_FALSE(events.empty());
    CHECK(events.front().find("Late series") != std::string::npos);
}

TEST_CASE("A study that cannot be read is told of once, and does not hold up the others", "[pipeline][studies]") {
    Fixture f;
    test::write_file(f.root / "studies/9.9#other/task.json", "{");
    f.add("1.1");
    f.tell();
    CHECK(f.collector->status().unreadable == 1);
    f.pass(902s);
    CHECK_FALSE(f.collecting());
    CHECK(std::filesystem::exists(f.root / "studies/9.9#other"));
    test::run_coroutine(f.io, f.books.close());
    database::Connection books(f.root / "books.sqlite", database::Mode::read_only);
    const auto told = books.number("SELECT count(*) FROM mercure_events WHERE description LIKE '%9.9#other%'");
    CHECK(told == 1);
}
