#include "quicksilver/store/handover.hpp"

#include "quicksilver/store/study_folders.hpp"

#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace quicksilver;
using namespace quicksilver::test;
using How = FailingFileOps::How;

namespace fs = std::filesystem;

namespace {

const std::map<std::string, std::string> series_files = {{"s#1.dcm", "one"}, {"s#2.dcm", "two"}, {"s#3.dcm", "three"}};

/// A hand-over with the studies that it may add to.
struct Handing {
    Handing(const TaskFolders& folders, const Clock& clock) : studies(folders, clock), handover(folders, studies) {}
    StudyFolders studies;
    Handover handover;
};

struct HandoverFixture : FoldersFixture {
    fs::path claimed = make(root / "incoming/.routing-parent", series_files);

    /// The tasks of one decision; each decision makes new ids, as the router does.
    std::vector<PlannedTask> decide(std::size_t count) {
        ++decisions;
        std::vector<PlannedTask> tasks;
        const Stage stages[] = {Stage::outgoing, Stage::processing, Stage::outgoing};
        for (std::size_t i = 0; i < count; ++i) {
            // fmt, because g++ 12 warns of `"text" + std::string` at -O3 (a false alarm).
            tasks.push_back(PlannedTask{fmt::format("d{}-t{}", decisions, i), stages[i],
                                        fmt::format(R"({{"wanted": "{}"}})", i), ""});
        }
        return tasks;
    }

    /// What the other stages do meanwhile: everything that they see moves on.
    void work_off() {
        for (const Stage stage : {Stage::outgoing, Stage::processing}) {
            const auto tasks = folders().list(stage);
            for (const TaskEntry& task : *tasks) {
                REQUIRE(folders().move(task.path, Stage::success).ok());
            }
        }
    }

    /// Exactly one whole task for each that was wanted, and nothing else anywhere.
    void check_done(std::size_t count) {
        std::multiset<std::string> wanted;
        for (const std::string& name : all_names()) {
            INFO(name);
            REQUIRE(name.find("/.") == std::string::npos);
            auto content = content_of(root / name);
            wanted.insert(nlohmann::json::parse(content.at("task.json")).at("wanted").get<std::string>());
            content.erase("task.json");
            CHECK(content == series_files);
        }
        std::multiset<std::string> expected;
        for (std::size_t i = 0; i < count; ++i) expected.insert(std::to_string(i));
        CHECK(wanted == expected);
    }

    void restart(std::size_t count) {
        const Handing after_start(real_folders, clock);
        const Handover& handover_after_start = after_start.handover;
        const auto all = handover_after_start.find_unfinished();
        for (const UnfinishedHandover& unfinished : *all) {
            CHECK(unfinished.task_id == "parent");
            if (unfinished.is_decided) {
                REQUIRE(handover_after_start.finish(unfinished.claimed).ok());
            } else {
                REQUIRE(handover_after_start.hand_over(unfinished.claimed, decide(count)).ok());
            }
        }
        REQUIRE(handover_after_start.remove_leftovers().ok());
    }

    TaskFolders real_folders = folders();
    int decisions = 0;
};

}  // namespace

TEST_CASE("A series with one destination becomes the task by one rename", "[store][handover]") {
    HandoverFixture f;
    FailingFileOps counting;
    const TaskFolders folders = f.folders(counting);
    const auto made = Handing(folders, f.clock).handover.hand_over(f.claimed, f.decide(1));
    REQUIRE(made.ok());
    REQUIRE(made->size() == 1);
    CHECK(made->front().folder == f.root / "outgoing/d1-t0");
    CHECK(made->front().planned_id == "d1-t0");
    CHECK(fs::hard_link_count(f.root / "outgoing/d1-t0/s#1.dcm") == 1);
    CHECK(counting.calls() <= 12);  // however many files there are
    f.check_done(1);
}

TEST_CASE("A series with several destinations is linked into each", "[store][handover]") {
    HandoverFixture f;
    const auto made = Handing(f.real_folders, f.clock).handover.hand_over(f.claimed, f.decide(3));
    REQUIRE(made.ok());
    CHECK(made->size() == 3);
    CHECK(fs::hard_link_count(f.root / "outgoing/d1-t0/s#1.dcm") == 3);
    f.check_done(3);
}

TEST_CASE("A discarded series gets no task.json, as in mercure", "[store][handover]") {
    HandoverFixture f;
    REQUIRE(Handing(f.real_folders, f.clock)
                .handover.hand_over(f.claimed, {PlannedTask{"d", Stage::discard, "", ""}})
                .ok());
    CHECK(f.content_of(f.root / "discard/d") == series_files);
}

TEST_CASE("A hand-over that fails at any call is completed by calling it again", "[store][handover][faults]") {
    const auto how = GENERATE(How::once, How::disk_full);
    const std::size_t count = GENERATE(1U, 3U);
    const bool other_file_systems = GENERATE(false, true);
    const bool others_work = GENERATE(false, true);
    const unsigned rounds = for_every_failure(how, [&](FailingFileOps& ops) {
        HandoverFixture f;
        if (other_file_systems) ops.set_file_systems(f.roots());
        const TaskFolders folders = f.folders(ops);
        const Handing handing(folders, f.clock);
        const Handover& handover = handing.handover;
        const auto first = handover.hand_over(f.claimed, f.decide(count));
        if (others_work) f.work_off();
        if (!first.ok()) {
            ops.heal();
            // The router decides again, perhaps with other ids.
            const auto second = handover.hand_over(f.claimed, f.decide(count));
            if (!second) FAIL(second.error().message);
        }
        REQUIRE(handover.remove_leftovers().ok());
        f.check_done(count);
    });
    CHECK(rounds >= 3);
}

TEST_CASE("A hand-over cut off at any call is completed at the next start, and no task is made twice",
          "[store][handover][faults]") {
    const std::size_t count = GENERATE(1U, 2U, 3U);
    const bool other_file_systems = GENERATE(false, true);
    const bool others_work = GENERATE(false, true);
    const unsigned rounds = for_every_failure(How::crash, [&](FailingFileOps& ops) {
        HandoverFixture f;
        if (other_file_systems) ops.set_file_systems(f.roots());
        const TaskFolders folders = f.folders(ops);
        try {
            const auto made = Handing(folders, f.clock).handover.hand_over(f.claimed, f.decide(count));
            CHECK(made.ok());
        } catch (const SimulatedCrash&) {
        }
        if (others_work) f.work_off();
        f.restart(count);
        f.check_done(count);
    });
    CHECK(rounds >= 8);
}

TEST_CASE("A hand-over cut off twice is completed at the third start", "[store][handover][faults]") {
    unsigned first_at = 1;
    bool first_crashed = true;
    const auto round = [&](FailingFileOps& second) {
        HandoverFixture f;
        FailingFileOps first(first_at, How::crash);
        const TaskFolders first_folders = f.folders(first);
        const TaskFolders second_folders = f.folders(second);
        try {
            (void)Handing(first_folders, f.clock).handover.hand_over(f.claimed, f.decide(2));
            first_crashed = false;  // the end of the outer loop
        } catch (const SimulatedCrash&) {
        }
        f.work_off();
        try {
            const Handing handing(second_folders, f.clock);
            const Handover& resumed = handing.handover;
            const auto all = resumed.find_unfinished();
            for (const UnfinishedHandover& unfinished : *all) {
                (void)(unfinished.is_decided ? resumed.finish(unfinished.claimed)
                                             : resumed.hand_over(unfinished.claimed, f.decide(2)));
            }
            (void)resumed.remove_leftovers();
        } catch (const SimulatedCrash&) {
        }
        f.work_off();
        f.restart(2);
        f.check_done(2);
    };
    for (; first_crashed; first_at += 3) for_every_failure(How::crash, round);
    CHECK(first_at > 20);
}

TEST_CASE("Leftovers are not removed while a plan that could not be finished needs them", "[store][handover]") {
    HandoverFixture f;
    f.make(f.root / "outgoing/.new-a", series_files);
    f.make(f.root / "outgoing/.new-b", series_files);
    write_file(f.claimed / "plan.json", R"({"tasks": [{"id": "a", "stage": "outgoing"}]})");
    REQUIRE(Handing(f.real_folders, f.clock).handover.remove_leftovers().ok());
    CHECK(f.all_names() == std::set<std::string>{"incoming/.routing-parent", "outgoing/.new-a"});
}

TEST_CASE("A series that is given up lies in error, whole and alone", "[store][handover]") {
    HandoverFixture f;
    f.make(f.root / "outgoing/.new-a", series_files);
    write_file(f.claimed / "plan.json", R"({"tasks": [{"id": "a", "stage": "outgoing"}]})");
    const auto parked = Handing(f.real_folders, f.clock).handover.give_up(f.claimed, "disk full");
    REQUIRE(parked.ok());
    CHECK(f.all_names() == std::set<std::string>{"error/parent"});
    for (const auto& [name, content] : series_files) CHECK(read_file(*parked / name) == content);
}

TEST_CASE("A damaged plan is an error that names the folder", "[store][handover]") {
    HandoverFixture f;
    write_file(f.claimed / "plan.json", "{}");
    const auto finished = Handing(f.real_folders, f.clock).handover.finish(f.claimed);
    REQUIRE_FALSE(finished.ok());
    CHECK(finished.error().message.find(".routing-parent") != std::string::npos);
    CHECK_FALSE(Handing(f.real_folders, f.clock).handover.hand_over(f.claimed, {}).ok());
}

TEST_CASE("Files are claimed again wherever they lie, with the rule that alone decides", "[store][handover]") {
    HandoverFixture f;
    const fs::path old = f.make(f.root / "success/old", series_files);
    const Handing handing(f.real_folders, f.clock);
    const auto claimed = handing.handover.claim_again("again", {old / "s#1.dcm", old / "s#2.dcm"}, "urgent");
    REQUIRE(claimed.ok());
    CHECK(*claimed == f.root / "incoming/.routing-again");
    CHECK(*Handover::forced_rule(*claimed) == "urgent");
    CHECK(Handover::forced_rule(f.claimed)->empty());
    CHECK(f.content_of(old) == series_files);
    REQUIRE(handing.handover.hand_over(*claimed, {PlannedTask{"t", Stage::outgoing, "{}", ""}}).ok());
    CHECK(f.content_of(f.root / "outgoing/t") ==
          std::map<std::string, std::string>{{"s#1.dcm", "one"}, {"s#2.dcm", "two"}, {"task.json", "{}"}});
    CHECK_FALSE(fs::exists(*claimed));
    const auto missing = handing.handover.claim_again("gone", {old / "s#9.dcm"}, "");
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().code == Errc::not_found);
}

TEST_CASE("Claiming again that fails or is cut off leaves nothing, or a claim with its rule that becomes one task",
          "[store][handover][faults]") {
    const auto how = GENERATE(How::once, How::disk_full, How::crash);
    const bool other_file_systems = GENERATE(false, true);
    int forced = 0;
    const unsigned rounds = for_every_failure(how, [&](FailingFileOps& ops) {
        HandoverFixture f;
        fs::remove_all(f.claimed);
        const fs::path old = f.make(f.root / "success/old", series_files);
        const std::vector<fs::path> files = {old / "s#1.dcm", old / "s#2.dcm", old / "s#3.dcm"};
        if (other_file_systems) ops.set_file_systems(f.roots());
        const TaskFolders folders = f.folders(ops);
        const Handing handing(folders, f.clock);
        bool made = false;
        try {
            const auto claimed = handing.handover.claim_again("parent", files, "urgent");
            made = claimed && handing.handover.hand_over(*claimed, f.decide(1)).ok();
        } catch (const SimulatedCrash&) {
        }
        const Handing after_start(f.real_folders, f.clock);
        const auto unfinished = after_start.handover.find_unfinished();
        const bool any = !unfinished->empty();
        // Until the decision stands, it is to be made by the one rule.
        if (any && !unfinished->front().is_decided) {
            ++forced;
            CHECK(*Handover::forced_rule(unfinished->front().claimed) == "urgent");
        }
        f.restart(1);
        CHECK(f.content_of(old) == series_files);
        fs::remove_all(old);
        if (f.all_names().empty()) {
            CHECK_FALSE((made || any));
        } else {
            f.check_done(1);
        }
    });
    CHECK(rounds >= 8);
    CHECK((forced > 0 || how == How::disk_full));
}

TEST_CASE("Every task of a series that is held is held", "[store][handover][hold]") {
    const std::size_t count = GENERATE(1U, 3U);
    HandoverFixture f;
    REQUIRE(f.real_folders.hold(f.claimed, {{"s", Hold{"anna", ""}}}).ok());
    const auto made = Handing(f.real_folders, f.clock).handover.hand_over(f.claimed, f.decide(count));
    REQUIRE(made.ok());
    REQUIRE(made->size() == count);
    for (const MadeTask& task : *made) CHECK(TaskFolders::holds_of(task.folder)->contains("s"));
}
