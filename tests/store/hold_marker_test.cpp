#include "quicksilver/store/hold_marker.hpp"

#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/study_folders.hpp"

#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

namespace fs = std::filesystem;

namespace {

const Holds by_anna = {{"1.2.3", Hold{"anna", "2026-11-22T10:00:00.000Z"}}};

struct HeldFixture : FoldersFixture {
    fs::path task = make(root / "success/task", {{"1.dcm", "one"}});
    fs::path marker = task / markers::held;
};

}  // namespace

TEST_CASE("A held folder says for which series, for whom and since when, wherever it goes", "[store][hold]") {
    HeldFixture f;
    REQUIRE(f.folders().hold(f.task, by_anna).ok());
    const auto moved = f.folders().move(f.task, Stage::outgoing);
    const auto holds = TaskFolders::holds_of(*moved);
    REQUIRE(holds);
    REQUIRE(holds->size() == 1);
    CHECK(holds->at("1.2.3").user == "anna");
    CHECK(holds->at("1.2.3").since == "2026-11-22T10:00:00.000Z");
    CHECK(TaskFolders::markers_of(*moved).held);
}

TEST_CASE("A held folder is not removed until its last series is released", "[store][hold]") {
    HeldFixture f;
    const TaskFolders folders(f.working_ops, f.clock, f.config());
    REQUIRE(folders.hold(f.task, by_anna).ok());
    REQUIRE(folders.hold(f.task, {{"4.5", Hold{"ben", ""}}}).ok());
    CHECK(folders.remove_unless_held(f.task).error().code == Errc::busy);
    CHECK(*folders.release(f.task, "1.2.3"));
    CHECK_FALSE(*folders.release(f.task, "1.2.3"));
    CHECK(folders.remove_unless_held(f.task).error().code == Errc::busy);
    CHECK(*folders.release(f.task, "4.5"));
    CHECK_FALSE(fs::exists(f.marker));
    REQUIRE(folders.remove_unless_held(f.task).ok());
    CHECK(f.all_names().empty());
    CHECK(folders.hold(f.task, by_anna).error().code == Errc::not_found);
}

TEST_CASE("A marker that is damaged, or made by hand, keeps the folder all the same", "[store][hold]") {
    HeldFixture f;
    for (const char* text : {"", "{", "[]", "{\"1.2.3\": 5}"}) {
        INFO(text);
        write_file(f.marker, text);
        CHECK(TaskFolders::holds_of(f.task)->empty());
        CHECK(f.folders().remove_unless_held(f.task).error().code == Errc::busy);
        CHECK(*f.folders().release(f.task, "1.2.3"));
        CHECK_FALSE(TaskFolders::holds_of(f.task));
    }
}

TEST_CASE("Being held and released leaves a folder as old as it was", "[store][hold]") {
    HeldFixture f;
    fs::last_write_time(f.task, fs::file_time_type::clock::now() - std::chrono::hours(5));
    const auto before = fs::last_write_time(f.task);
    REQUIRE(f.folders().hold(f.task, by_anna).ok());
    CHECK(fs::last_write_time(f.task) == before);
    REQUIRE(*f.folders().release(f.task, "1.2.3"));
    CHECK(fs::last_write_time(f.task) == before);
}

TEST_CASE("A hold that cannot be written is an error, and whatever was held stays so", "[store][hold][faults]") {
    using How = FailingFileOps::How;
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const unsigned rounds = for_every_failure(how, [](FailingFileOps& ops) {
        HeldFixture f;
        REQUIRE(f.folders().hold(f.task, by_anna).ok());
        bool held = false;
        try {
            held = f.folders(ops).hold(f.task, {{"4.5", Hold{"ben", ""}}}).ok();
        } catch (const SimulatedCrash&) {
        }
        const auto holds = TaskFolders::holds_of(f.task);
        REQUIRE(holds);
        CHECK(holds->contains("1.2.3"));
        CHECK((!held || holds->contains("4.5")));
    });
    CHECK(rounds >= 3);
}

TEST_CASE("A study is held for each of its series that is", "[store][hold]") {
    FoldersFixture f;
    const TaskFolders folders(f.working_ops, f.clock, f.config());
    StudyFolders studies(folders, f.clock);
    const auto make_part = [&](const std::string& series) {
        TaskFile task;
        task.id = "task-" + series;
        Tags tags;
        tags.add("SeriesInstanceUID", series);
        task.study = make_task_study(tags, "9.9", f.clock.wall_now());
        const fs::path part = f.make(f.root / "studies" / (".new-" + series), {{series + "#1.dcm", series}});
        REQUIRE(write_task_file(f.working_ops, part, task).ok());
        return part;
    };
    const fs::path first = make_part("1.1");
    REQUIRE(folders.hold(first, {{"1.1", Hold{"anna", ""}}}).ok());
    REQUIRE(studies.add(first, "9.9#rule").ok());
    const fs::path second = make_part("1.2");
    REQUIRE(folders.hold(second, {{"1.2", Hold{"ben", ""}}}).ok());
    REQUIRE(studies.add(second, "9.9#rule").ok());
    REQUIRE(studies.add(make_part("1.3"), "9.9#rule").ok());
    const auto holds = TaskFolders::holds_of(f.root / "studies/9.9#rule");
    REQUIRE(holds);
    CHECK(holds->size() == 2);
    CHECK(holds->at("1.1").user == "anna");
    CHECK(holds->at("1.2").user == "ben");
}
