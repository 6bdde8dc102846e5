#include "quicksilver/store/task_folders.hpp"

#include "quicksilver/store/durable_file.hpp"

#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using How = FailingFileOps::How;

namespace fs = std::filesystem;

namespace {

const std::map<std::string, std::string> three_files = {{"1.dcm", "one"}, {"2.dcm", "two"}, {"task.json", "{}"}};

void set_age(const fs::path& path, int minutes) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::minutes(minutes));
}

}  // namespace

TEST_CASE("A stage lists its folders, longest unchanged first, and nothing that is no task", "[store]") {
    FoldersFixture f;
    set_age(f.make(f.root / "outgoing/young", three_files), 1);
    set_age(f.make(f.root / "outgoing/old", three_files), 5);
    f.make(f.root / "outgoing/.new-x", three_files);
    f.make(f.root / "outgoing/.removing-y", three_files);
    write_file(f.root / "outgoing/HALT", "");

    const auto tasks = f.folders().list(Stage::outgoing);
    REQUIRE(tasks.ok());
    REQUIRE(tasks->size() == 2);
    CHECK((*tasks)[0].id == "old");
    CHECK((*tasks)[1].id == "young");
    CHECK((*tasks)[0].modified < (*tasks)[1].modified);
}

TEST_CASE("mercure's folder of bad files is not a series, and a stage without a folder is empty", "[store]") {
    FoldersFixture f;
    f.make(f.root / "incoming/error", {});
    f.make(f.root / "incoming/1.2.3", {});
    fs::remove(f.root / "studies");
    CHECK(f.folders().list(Stage::incoming)->size() == 1);
    CHECK(f.folders().list(Stage::studies)->empty());
}

TEST_CASE("A task is made of links and its task.json", "[store]") {
    FoldersFixture f;
    const fs::path series = f.make(f.root / "incoming/1.2.3", {{"1.dcm", "one"}, {"2.dcm", "two"}});
    const auto made =
        f.folders().make_task(Stage::outgoing, "task", {series / "1.dcm", series / "2.dcm"}, "{\"id\": 1}");
    REQUIRE(made.ok());
    CHECK(*made == f.root / "outgoing/task");
    CHECK(f.content_of(*made) ==
          std::map<std::string, std::string>{{"1.dcm", "one"}, {"2.dcm", "two"}, {"task.json", "{\"id\": 1}"}});
    CHECK(fs::hard_link_count(series / "1.dcm") == 2);

    const auto again = f.folders().make_task(Stage::outgoing, "task", {}, "");
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == Errc::already_exists);
}

TEST_CASE("Making a task that fails at any call leaves no task or a whole one", "[store][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const bool copies = GENERATE(false, true);
    for_every_failure(how, [copies](FailingFileOps& ops) {
        FoldersFixture f;
        if (copies) ops.set_file_systems(f.roots());
        const fs::path series = f.make(f.root / "incoming/1.2.3", {{"1.dcm", "one"}, {"2.dcm", "two"}});
        const std::vector<fs::path> files = {series / "1.dcm", series / "2.dcm"};
        try {
            (void)f.folders(ops).make_task(Stage::outgoing, "task", files, "{}");
        } catch (const SimulatedCrash&) {
        }
        ops.heal();
        if (f.folders().exists(Stage::outgoing, "task")) {
            CHECK(f.content_of(f.root / "outgoing/task") == three_files);
        } else {
            REQUIRE(f.folders(ops).make_task(Stage::outgoing, "task", files, "{}").ok());
            CHECK(f.content_of(f.root / "outgoing/task") == three_files);
        }
        CHECK(f.content_of(series).size() == 2);
        CHECK(f.all_names() == std::set<std::string>{"incoming/1.2.3", "outgoing/task"});
    });
}

TEST_CASE("A move keeps both folders when the name is taken, and drops the markers of a run", "[store]") {
    FoldersFixture f;
    const fs::path from = f.make(f.root / "outgoing/task", three_files);
    write_file(from / ".processing", "");
    f.make(f.root / "success/task", {{"1.dcm", "earlier"}});

    const auto moved = f.folders().move(from, Stage::success);
    REQUIRE(moved.ok());
    const std::string name = moved->filename().string();
    // Python's isoformat, as mercure appends it.
    CHECK(name.starts_with("task_2026-09-"));
    CHECK(name.size() == std::string("task_2026-09-21T14:13:20.000000").size());
    CHECK(f.content_of(*moved) == three_files);
    CHECK(read_file(f.root / "success/task/1.dcm") == "earlier");
}

TEST_CASE("A move that fails at any call leaves the task whole in exactly one stage after a restart",
          "[store][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const bool other_file_system = GENERATE(false, true);
    const unsigned rounds = for_every_failure(how, [other_file_system](FailingFileOps& ops) {
        FoldersFixture f;
        if (other_file_system) ops.set_file_systems(f.roots());
        const fs::path from = f.make(f.root / "outgoing/task", three_files);
        f.make(from / "in", {{"3.dcm", "three"}});
        try {
            (void)f.folders(ops).move(from, Stage::success);
        } catch (const SimulatedCrash&) {
        }
        ops.heal();

        REQUIRE(f.folders(ops).remove_leftovers({}).ok());
        REQUIRE(f.all_names().size() == 1);
        const fs::path now = f.root / *f.all_names().begin();
        CHECK(now.filename() == "task");
        CHECK(f.content_of(now) == three_files);
        CHECK(read_file(now / "in/3.dcm") == "three");
    });
    CHECK(rounds >= (how == How::disk_full ? 0U : 4U));
}

TEST_CASE("A parked task says in task.json why, where mercure's reader tolerates it", "[store]") {
    FoldersFixture f;
    TaskFile task;
    task.id = "task";
    task.info.uid = "1.2.3";
    const fs::path from = f.make(f.root / "outgoing/task", {{"1.dcm", "one"}, {"task.json", to_json_text(task)}});

    const auto parked = f.folders().park(from, FailStage::dispatching, "association rejected");
    REQUIRE(parked.ok());
    CHECK(*parked == f.root / "error/task");
    const auto document = nlohmann::json::parse(read_file(*parked / "task.json"));
    CHECK(document["info"]["fail_stage"] == "DISPATCHING");
    CHECK(document["info"]["fail_reason"] == "association rejected");
    CHECK(document.size() == 6);  // mercure refuses any other field at the top
}

TEST_CASE("A folder without a readable task.json is parked with its reason beside", "[store]") {
    FoldersFixture f;
    const fs::path from = f.make(f.root / "incoming/.routing-task", {{"1.dcm", "one"}, {"task.json", "{broken"}});
    const auto parked = f.folders().park(from, FailStage::routing, "no tags");
    REQUIRE(parked.ok());
    CHECK(*parked == f.root / "error/task");
    CHECK(read_file(*parked / "error.txt") == "ROUTING: no tags\n");
    CHECK(read_file(*parked / "1.dcm") == "one");
}

TEST_CASE("A full disk does not keep a failed task from being parked", "[store][faults]") {
    FoldersFixture f;
    FailingFileOps ops(1, How::disk_full);
    f.make(f.root / "outgoing/task", {{"1.dcm", "one"}});
    const auto parked = f.folders(ops).park(f.root / "outgoing/task", FailStage::dispatching, "x");
    REQUIRE(parked.ok());
    CHECK(read_file(*parked / "1.dcm") == "one");
}

TEST_CASE("Leftovers of making and removing go at the start, those still needed stay", "[store]") {
    FoldersFixture f;
    f.make(f.root / "outgoing/.new-a", three_files);
    f.make(f.root / "outgoing/.new-needed", three_files);
    f.make(f.root / "success/.removing-b", {{"1.dcm", "one"}});
    f.make(f.root / "success/.moving-c", three_files);
    f.make(f.root / "success/kept", three_files);
    const auto removed = f.folders().remove_leftovers({"needed"});
    REQUIRE(removed.ok());
    CHECK(*removed == 3);
    CHECK(f.all_names() == std::set<std::string>{"outgoing/.new-needed", "success/kept"});
}

TEST_CASE("Markers are recognised, and those of a dead run are removed", "[store]") {
    FoldersFixture f;
    const fs::path task = f.make(f.root / "outgoing/task", {{".lock", ""}, {".processing", ""}, {".error", ""}});
    TaskMarkers found = TaskFolders::markers_of(task);
    CHECK((found.lock && found.processing && found.error));
    CHECK(*f.folders().remove_stale_markers(Stage::outgoing) == 2);
    found = TaskFolders::markers_of(task);
    CHECK((!found.lock && !found.processing && found.error));
}

TEST_CASE("A HALT file suspends its stage only", "[store]") {
    FoldersFixture f;
    CHECK_FALSE(f.folders().is_halted(Stage::outgoing));
    REQUIRE(f.folders().set_halted(Stage::outgoing, true));
    CHECK(f.folders().is_halted(Stage::outgoing));
    CHECK_FALSE(f.folders().is_halted(Stage::processing));
    CHECK(fs::exists(f.root / "outgoing/HALT"));
    REQUIRE(f.folders().set_halted(Stage::outgoing, false));
    CHECK_FALSE(f.folders().is_halted(Stage::outgoing));
}

TEST_CASE("Instances are the .dcm files of a folder itself, sorted", "[store]") {
    FoldersFixture f;
    const fs::path task = f.make(f.root / "outgoing/task", {{"b.dcm", ""}, {"a.dcm", ""}, {"a.tags", ""}});
    f.make(task / "in", {{"c.dcm", ""}});
    fs::create_directory(task / "folder.dcm");
    const auto files = TaskFolders::instances(task);
    REQUIRE(files.ok());
    CHECK(*files == std::vector<fs::path>{task / "a.dcm", task / "b.dcm"});
    CHECK(TaskFolders::instances(f.root / "outgoing/none")->empty());
}

TEST_CASE("The usage of a stage counts tasks, files and bytes", "[store]") {
    FoldersFixture f;
    f.make(f.make(f.root / "success/a", {{"1.dcm", "123"}}) / "in", {{"2.dcm", "4567"}});
    f.make(f.root / "success/b", {{"3.dcm", "8"}});
    f.make(f.root / "success/.removing-c", {{"4.dcm", "9"}});
    const StageUsage usage = f.folders().usage(Stage::success);
    CHECK(usage.tasks == 2);
    CHECK(usage.files == 3);
    CHECK(usage.bytes == 8);
}
