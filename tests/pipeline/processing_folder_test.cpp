#include "quicksilver/pipeline/processing_folder.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

std::uintmax_t inode(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

/// A task in processing/, on file operations of which some may fail.
struct Fixture {
    test::TemporaryFolder root;
    test::ManualClock clock;
    test::FailingFileOps healthy;
    TaskFile task;

    Fixture() {
        test::require_dicom();
        REQUIRE(folders(healthy).make_stages());
        dicom::PhantomOptions options;
        options.instances = 2;
        options.rows = options.columns = 8;
        const auto files = dicom::write_phantom_series(options, root / "made").value();
        task.id = "t1";
        task.process.resize(2);
        task.process[0].module_name = "first";
        task.process[1].module_name = "second";
        REQUIRE(folders(healthy).make_task(Stage::processing, "t1", files, to_json_text(task)));
    }

    TaskFolders folders(FileOps& ops) const {
        FolderConfig config;
        config.incoming = root / "incoming";
        config.studies = root / "studies";
        config.processing = root / "processing";
        config.outgoing = root / "outgoing";
        config.success = root / "success";
        config.error = root / "error";
        config.discard = root / "discard";
        return TaskFolders(ops, clock, config);
    }
    static std::size_t count(const fs::path& folder) {
        const auto found = TaskFolders::instances(folder);
        return found ? found->size() : 0;
    }
    /// What a module would do.
    static bool publish(const TaskFolders& folders, const ProcessingFolder& folder, const ProcessingState& state) {
        const auto published = folder.publish(state);
        return published && folders.remove(published->remains).ok();
    }
    void copy_images(const ProcessingFolder& folder) const {
        const auto images = TaskFolders::instances(folder.in()).value();
        for (const fs::path& file : images) {
            fs::copy_file(file, folder.out() / file.filename(), fs::copy_options::overwrite_existing);
        }
    }
};

}  // namespace

TEST_CASE("A task begins with links to its files, their tags and an empty out", "[pipeline][processing_folder]") {
    Fixture f;
    const TaskFolders folders = f.folders(f.healthy);
    const ProcessingFolder folder(folders, "t1");
    const auto state = folder.begin("a1", {});
    REQUIRE(state);
    REQUIRE(folder.write_step_task(f.task, 1));
    CHECK(Fixture::count(folder.path()) == 0);
    CHECK(Fixture::count(folder.path() / "as_received") == 2);
    CHECK(Fixture::count(folder.in()) == 2);
    CHECK(fs::is_empty(folder.out()));
    const fs::path file = TaskFolders::instances(folder.in())->front();
    CHECK(fs::exists(fs::path(file).replace_extension(".tags")));
    CHECK(read_task_file(folder.in())->process.size() == 1);
    CHECK(read_task_file(folder.in())->process[0].module_name == "second");
    CHECK((*folder.state())->attempt == "a1");
}

TEST_CASE("Inputs are files of their own, unless they are to be linked", "[pipeline][processing_folder]") {
    Fixture f;
    const TaskFolders folders = f.folders(f.healthy);
    const ProcessingFolder folder(folders, "t1");
    ProcessingFolder::Inputs inputs;
    inputs.link = GENERATE(false, true);
    REQUIRE(folder.begin("a1", inputs));
    const fs::path file = TaskFolders::instances(folder.in())->front();
    CHECK((inode(file) == inode(folder.path() / "as_received" / file.filename())) == inputs.link);
}

TEST_CASE("Outputs of a step are the inputs of the next, and the originals can be put back",
          "[pipeline][processing_folder]") {
    Fixture f;
    const TaskFolders folders = f.folders(f.healthy);
    const ProcessingFolder folder(folders, "t1");
    ProcessingState state = folder.begin("a1", {}).value();
    test::write_file(folder.out() / "made.txt", "1");
    test::write_file(folder.out() / "result.json", R"({"a": 1})");
    CHECK((*folder.read_result())["a"] == 1);
    state.outputs.push_back({"first", {{"a", 1}}});
    REQUIRE(folder.next_step(state));
    CHECK(test::read_file(folder.in() / "made.txt") == "1");
    CHECK_FALSE(fs::exists(folder.in() / "result.json"));
    CHECK(folder.read_result()->is_null());
    state.outputs.push_back({"second", nullptr});
    state.publish_to = Stage::outgoing;
    REQUIRE(folder.finish_outputs(f.task, state, true));
    const auto published = folder.publish(state);
    REQUIRE(published);
    CHECK(published->folder.parent_path() == f.root / "outgoing");
    CHECK(Fixture::count(published->folder) == 2);
    CHECK(fs::exists(published->folder / "result.json"));
    CHECK(read_task_file(published->folder)->id == "t1");
    CHECK_FALSE(fs::exists(folder.path()));
    CHECK(published->remains.filename() == ".removing-t1");
    CHECK(Fixture::count(published->remains / "as_received") == 2);
}

TEST_CASE("A server that is not root keeps originals that nobody may write to", "[pipeline][processing_folder]") {
    if (::geteuid() != 0) return;  // only root can become somebody else
    constexpr uid_t somebody = 65534;
    Fixture f;
    const auto ops = make_file_ops();
    const TaskFolders folders = f.folders(*ops);
    const ProcessingFolder folder(folders, "t1");
    REQUIRE(::chown(f.root.path().c_str(), somebody, somebody) == 0);
    for (const auto& entry : fs::recursive_directory_iterator(f.root.path())) {
        REQUIRE(::lchown(entry.path().c_str(), somebody, somebody) == 0);
        if (entry.is_regular_file()) REQUIRE(::chmod(entry.path().c_str(), 0444) == 0);
    }
    REQUIRE(::seteuid(somebody) == 0);
    ProcessingFolder::Inputs inputs;
    inputs.link = true;
    auto state = folder.begin("a1", inputs);
    if (state) state->publish_to = Stage::outgoing;
    const auto finished = state ? folder.finish_outputs(f.task, *state, true) : Result<void>(state.error());
    REQUIRE(::seteuid(0) == 0);
    INFO((finished ? "" : finished.error().message));
    CHECK(finished.ok());
    CHECK(Fixture::count(folder.out()) == 2);
}

TEST_CASE("Results are checked: JSON that is none, images that are none", "[pipeline][processing_folder]") {
    Fixture f;
    const TaskFolders folders = f.folders(f.healthy);
    const ProcessingFolder folder(folders, "t1");
    REQUIRE(folder.begin("a1", {}));
    test::write_file(folder.out() / "report.pdf", "pdf");
    CHECK(folder.check_outputs()->files == 1);
    f.copy_images(folder);
    CHECK(folder.check_outputs()->instances == 2);
    test::write_file(folder.out() / "broken.dcm", "no image");
    const auto broken = folder.check_outputs();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().message.find("broken.dcm") != std::string::npos);
    fs::remove(folder.out() / "broken.dcm");
    const fs::path whole = TaskFolders::instances(folder.out())->front();
    fs::resize_file(whole, fs::file_size(whole) - 10);
    CHECK(folder.check_outputs().error().message.find("not a whole one") != std::string::npos);
    for (const std::string& bad :
         {std::string(100'000, '[') + std::string(100'000, ']'), "[" + std::string(9UL << 20, ' ') + "]"}) {
        test::write_file(folder.out() / "result.json", bad);
        CHECK(folder.read_result().error().code == Errc::invalid);
    }
    test::write_file(folder.out() / "result.json", "{");
    CHECK(folder.read_result()->is_discarded());
    test::write_file(folder.out() / "result.json", R"({"a": NaN, "b": [-Infinity, "NaN \" Infinity"]})");
    CHECK(*folder.read_result() == nlohmann::ordered_json({{"a", nullptr}, {"b", {nullptr, "NaN \" Infinity"}}}));
}

TEST_CASE("A failed task goes to error with its originals and its reason", "[pipeline][processing_folder]") {
    Fixture f;
    const TaskFolders folders = f.folders(f.healthy);
    const ProcessingFolder folder(folders, "t1");
    REQUIRE(folder.begin("a1", {}));
    REQUIRE(folder.write_step_task(f.task, 0));
    const auto parked = folder.fail("it broke");
    REQUIRE(parked);
    CHECK(Fixture::count(*parked / "as_received") == 2);
    for (const fs::path& place : {*parked, *parked / "in"}) {
        const auto file = read_task_file(place);
        REQUIRE(file);
        CHECK(file->info.fail_stage == FailStage::processing);
        CHECK(file->info.fail_reason == "it broke");
    }
    CHECK_FALSE(fs::exists(*parked / ProcessingFolder::state_file));
}

TEST_CASE("Whatever call a crash interrupts, a task is begun anew or published whole, once",
          "[pipeline][processing_folder][crash]") {
    using How = test::FailingFileOps::How;
    for (const How how : {How::crash, How::once, How::disk_full}) {
        const unsigned rounds = test::for_every_failure(how, [](test::FailingFileOps& ops) {
            Fixture f;
            REQUIRE(f.folders(f.healthy).hold(f.root / "processing/t1", {{"1.2", Hold{"anna", ""}}}));
            const auto process = [&f](FileOps& used) -> bool {
                const TaskFolders folders = f.folders(used);
                const ProcessingFolder folder(folders, "t1");
                const auto before = folder.state();
                if (before && *before && (*before)->phase == ProcessingState::Phase::publishing) {
                    return Fixture::publish(folders, folder, **before);
                }
                if (!fs::exists(folder.path())) return true;
                auto state = folder.begin("a1", {});
                if (!state) return false;
                f.copy_images(folder);
                if (!folder.next_step(*state)) return false;
                f.copy_images(folder);
                state->publish_to = Stage::outgoing;
                return folder.finish_outputs(f.task, *state, false).ok() && Fixture::publish(folders, folder, *state);
            };
            bool done = false;
            try {
                done = process(ops);
            } catch (const test::SimulatedCrash&) {
            }
            ops.heal();
            if (!done) {
                // The next start.
                const TaskFolders folders = f.folders(f.healthy);
                REQUIRE(folders.remove_leftovers({}));
                CHECK(process(f.healthy));
            }
            CHECK(Fixture::count(f.root / "outgoing" / "t1") == 2);
            CHECK(read_task_file(f.root / "outgoing" / "t1"));
            CHECK(TaskFolders::holds_of(f.root / "outgoing" / "t1").value_or(Holds()).contains("1.2"));
            CHECK(fs::is_empty(f.root / "processing"));
        });
        CHECK(rounds > 20);
    }
}
