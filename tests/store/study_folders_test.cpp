#include "quicksilver/store/study_folders.hpp"

#include "quicksilver/store/handover.hpp"

#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;
using How = FailingFileOps::How;

namespace fs = std::filesystem;

namespace {

const std::string key = "1.2.3#brain";

struct StudyFixture : FoldersFixture {
    TaskFolders real_folders = folders();
    StudyFolders studies{real_folders, clock};

    TaskFile series_task(const std::string& id, const std::string& series) {
        Tags tags;
        tags.set("SeriesDescription", "T" + series);
        tags.set("SeriesInstanceUID", series);
        TaskFile task;
        task.id = id;
        task.info = make_task_info(tags, "1.2.3", "study", {});
        task.study = make_task_study(tags, "1.2.3", clock.wall_now());
        return task;
    }
    static std::map<std::string, std::string> files_of(const std::string& series) {
        return {{series + "#1.dcm", series + " one"}, {series + "#2.dcm", series + " two"}};
    }
    /// As the hand-over prepares it.
    fs::path prepare(const std::string& id, const std::string& series) {
        fs::path part = make(root / "studies" / (".new-" + id), files_of(series));
        REQUIRE(write_task_file(working_ops, part, series_task(id, series)).ok());
        return part;
    }
    /// All files of these series are in the folder, and nothing else but task.json, which lists them.
    void check_holds(const fs::path& folder, const std::vector<std::string>& series) {
        std::map<std::string, std::string> expected;
        for (const std::string& uid : series) expected.merge(files_of(uid));
        auto content = content_of(folder);
        content.erase("task.json");
        CHECK(content == expected);
        const auto task = read_task_file(folder);
        REQUIRE(task.ok());
        CHECK(task->study->received_series_uid == series);
        CHECK(task->study->received_series.size() == series.size());
    }
};

}  // namespace

TEST_CASE("A study's folder is named as mercure names it, and only by what is a file name", "[store][studies]") {
    CHECK(*make_study_key("1.2.3", "brain MR") == "1.2.3#brain MR");
    CHECK_FALSE(make_study_key("../up", "brain").ok());
    CHECK_FALSE(make_study_key("", "brain").ok());
    CHECK_FALSE(make_study_key("1.2.3", "a/b").ok());
    CHECK_FALSE(make_study_key("1.2.3", std::string(250, 'r')).ok());
}

TEST_CASE("The first series begins a study, later ones join it, and the study keeps its task", "[store][studies]") {
    StudyFixture f;
    const auto first = f.studies.add(f.prepare("one", "1.1"), key);
    REQUIRE(first.ok());
    CHECK(first->joined_task.empty());
    f.clock.advance(60s);
    const auto second = f.studies.add(f.prepare("two", "1.2"), key);
    REQUIRE(second.ok());
    CHECK(second->joined_task == "one");
    CHECK(second->folder == first->folder);
    f.check_holds(first->folder, {"1.1", "1.2"});
    const auto task = read_task_file(first->folder);
    CHECK(task->study->last_receive_utc == rfc3339(f.clock.wall_now()));
    CHECK(task->study->creation_utc == rfc3339(f.clock.wall_now() - 60s));
    CHECK(f.all_names() == std::set<std::string>{"studies/" + key});
}

TEST_CASE("A late part of a series brings its files, but is no further series", "[store][studies]") {
    StudyFixture f;
    REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
    const fs::path part = f.prepare("two", "1.1");
    write_file(part / "1.1#3.dcm", "late");
    write_file(part / "1.1#1.dcm", "sent again");
    const auto added = f.studies.add(part, key);
    REQUIRE(added.ok());
    CHECK(read_task_file(added->folder)->study->received_series_uid == std::vector<std::string>{"1.1"});
    CHECK(read_file(added->folder / "1.1#3.dcm") == "late");
    CHECK(read_file(added->folder / "1.1#1.dcm") == "sent again");
}

TEST_CASE("Adding to a study that fails or is cut off at any call is completed by the same again",
          "[store][studies][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const unsigned rounds = for_every_failure(how, [&](FailingFileOps& ops) {
        StudyFixture f;
        REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
        const fs::path part = f.prepare("two", "1.2");
        const TaskFolders failing = f.folders(ops);
        StudyFolders studies(failing, f.clock);
        bool added = false;
        try {
            added = studies.add(part, key).ok();
        } catch (const SimulatedCrash&) {
        }
        // A part that is gone, or is being removed, has been added: the hand-over does not add it again.
        if (!added && fs::exists(part)) REQUIRE(f.studies.add(part, key).ok());
        f.check_holds(f.root / "studies" / key, {"1.1", "1.2"});
    });
    CHECK(rounds >= 5);
}

TEST_CASE("A series whose adding was cut off is whole, also when the study moved on before it was added again",
          "[store][studies][faults]") {
    for_every_failure(How::once, [&](FailingFileOps& ops) {
        StudyFixture f;
        REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
        const fs::path part = f.prepare("two", "1.2");
        const TaskFolders failing = f.folders(ops);
        if (StudyFolders(failing, f.clock).add(part, key).ok() || !fs::exists(part)) return;
        const auto judged = read_task_file(f.root / "studies" / key);
        REQUIRE(f.studies.take(key, *judged, Stage::outgoing).ok());
        REQUIRE(f.studies.add(part, key).ok());
        f.check_holds(f.root / "studies" / key, {"1.2"});
    });
}

TEST_CASE("A hand-over to a study that is cut off at any call is completed at the next start",
          "[store][studies][faults]") {
    const bool further_task = GENERATE(false, true);
    const unsigned rounds = for_every_failure(How::crash, [&](FailingFileOps& ops) {
        StudyFixture f;
        REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
        const fs::path claimed = f.make(f.root / "incoming/.routing-parent", f.files_of("1.2"));
        std::vector<PlannedTask> tasks = {{"two", Stage::studies, to_json_text(f.series_task("two", "1.2")), key}};
        if (further_task) tasks.push_back({"other", Stage::outgoing, "{}", ""});
        const TaskFolders failing = f.folders(ops);
        StudyFolders studies(failing, f.clock);
        try {
            const auto made = Handover(failing, studies).hand_over(claimed, tasks);
            CHECK(made.ok());
        } catch (const SimulatedCrash&) {
        }
        const Handover after_start(f.real_folders, f.studies);
        const auto unfinished = after_start.find_unfinished();
        for (const UnfinishedHandover& left : *unfinished) {
            const auto made =
                left.is_decided ? after_start.finish(left.claimed) : after_start.hand_over(left.claimed, tasks);
            REQUIRE(made.ok());
        }
        REQUIRE(after_start.remove_leftovers().ok());
        f.check_holds(f.root / "studies" / key, {"1.1", "1.2"});
        std::set<std::string> names = {"studies/" + key};
        if (further_task) names.insert("outgoing/other");
        CHECK(f.all_names() == names);
    });
    CHECK(rounds >= 15);
}

TEST_CASE("A study is taken as it was judged, under the id of its task, without marker files", "[store][studies]") {
    StudyFixture f;
    REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
    REQUIRE(f.studies.force_complete(key).ok());
    const auto before = f.studies.list();
    REQUIRE(before->size() == 1);
    CHECK(before->front().force_complete);

    f.clock.advance(1s);
    REQUIRE(f.studies.add(f.prepare("two", "1.2"), key).ok());
    const auto grown = f.studies.take(key, *before->front().task, Stage::outgoing);
    REQUIRE_FALSE(grown.ok());
    CHECK(grown.error().code == Errc::busy);

    const auto now = f.studies.list();
    const auto taken = f.studies.take(key, *now->front().task, Stage::outgoing);
    REQUIRE(taken.ok());
    CHECK(*taken == f.root / "outgoing/one");
    f.check_holds(*taken, {"1.1", "1.2"});
    CHECK(read_task_file(*taken)->study->complete_force);
    CHECK(f.studies.take(key, *now->front().task, Stage::outgoing).error().code == Errc::not_found);
}

TEST_CASE("Studies that others work on are left alone, and those that cannot be read are told", "[store][studies]") {
    StudyFixture f;
    f.make(f.root / "studies/1.1#a", {{"task.json", "{"}, {"x.dcm", ""}});
    f.make(f.root / "studies/1.2#b", {{".lock", ""}});
    f.make(f.root / "studies/.new-x", {});
    const auto list = f.studies.list();
    REQUIRE(list->size() == 1);
    CHECK(list->front().key == "1.1#a");
    CHECK_FALSE(list->front().task.ok());
}

TEST_CASE("The waiting of a study can be made to begin anew", "[store][studies]") {
    StudyFixture f;
    REQUIRE(f.studies.add(f.prepare("one", "1.1"), key).ok());
    f.clock.advance(600s);
    REQUIRE(f.studies.extend(key).ok());
    const auto times = study_times(*read_task_file(f.root / "studies" / key)->study);
    CHECK(*times.created == f.clock.wall_now());
    CHECK(*times.last_received == f.clock.wall_now());
    CHECK(f.studies.extend("1.2.3#other").error().code == Errc::not_found);
    CHECK(f.studies.force_complete("../incoming").error().code == Errc::not_found);
}

TEST_CASE("The times of a study that mercure wrote are read as local times", "[store][studies]") {
    StudyFixture f;
    TaskStudy study;
    study.creation_time = local_timestamp(f.clock.wall_now());
    study.last_receive_time = "yesterday";
    const auto times = study_times(study);
    REQUIRE(times.created.has_value());
    CHECK(f.clock.wall_now() - *times.created < 1s);
    CHECK_FALSE(times.last_received.has_value());
}
