// Cancelling, stopping and starting anew, and stages that cannot take what is done.
#include "quicksilver/pipeline/processing_folder.hpp"
#include "quicksilver/pipeline/processor.hpp"

#include "processor_fixture.hpp"

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

struct Fixture : test::ProcessorFixture {
    void cancel(const std::string& id) {
        test::run_handler(io, [&] { CHECK(processor->cancel(id)); });
    }
    /// The run that a task has in processing/ after a stop.
    RunId run_of(const std::string& id) const {
        const auto state = ProcessingFolder(folders, id).state();
        return RunId{id, (*state)->step, (*state)->attempt};
    }
    /// As the start of the server does.
    void start_again(std::set<RunId> remains) {
        runner->remains = std::move(remains);
        for (const auto& entry : fs::directory_iterator(root / "processing")) fs::remove(entry.path() / ".processing");
        restart();
    }
    /// A stage that takes nothing, until it is opened again.
    void close_stage(Stage stage) const {
        fs::remove_all(folders.path(stage));
        test::write_file(folders.path(stage), "");
    }
    void open_stage(Stage stage) const {
        fs::remove(folders.path(stage));
        fs::create_directory(folders.path(stage));
    }
};

Result<ModuleEnd> wait_in_second_step(const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
    if (run.id.step == 1) return test::ScriptedRunner::wait_for_ever(run, control, progress);
    test::write_file(run.out / "result.json", R"({"found": 3})");
    auto end = test::ScriptedRunner::copy_images(run, control, progress);
    end->image = "sha256:one";
    return end;
}

}  // namespace

TEST_CASE("What goes on after a start has its slots before anything else runs", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string first = f.add_task();
    const std::string second = f.add_task();
    f.pass_until([&] { return f.runner->count("run") == 2; });
    f.stop();
    f.reconfigure([](Config& changed) { changed.document["processing"]["max_parallel"] = 1; });
    const std::string waits = f.add_task();
    f.start_again({f.run_of(first), f.run_of(second)});
    f.pass_until([&] { return f.runner->count("run") == 4; });
    CHECK(f.processor->status().in_flight == 2);
    CHECK(f.processor->status().waiting == 1);
    CHECK(f.runner->count("prepare") == 2);
    f.cancel(first);
    f.cancel(second);
    f.pass_until([&] { return f.runner->count("prepare") == 3; });
}

TEST_CASE("The results of earlier steps outlive a stop of the server", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = wait_in_second_step;
    const std::string id = f.add_task({{{"name", "a"}}, {{"name", "b"}}});
    f.pass_until([&] { return f.runner->count("run b") == 1; });
    f.stop();
    f.runner->module = test::ScriptedRunner::copy_images;
    f.start_again({f.run_of(id)});
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
    const auto task = read_task_file(f.folders.path(Stage::outgoing, id));
    REQUIRE(task.ok());
    CHECK(task->process[0].output["found"] == 3);
    CHECK(task->process[0].extra["image"] == "sha256:one");
    CHECK(f.runner->count("run a") == 1);
}

TEST_CASE("A task that is cancelled between two modules leaves the folder of the next alone", "[pipeline][processor]") {
    Fixture f;
    const nlohmann::ordered_json keeper = {{"name", "keeper"}, {"requires_persistence", true}};
    f.runner->module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        if (run.module == "keeper") return test::ScriptedRunner::wait_for_ever(run, control, progress);
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    f.add_task({keeper});
    f.pass_until([&] { return f.runner->count("run keeper") == 1; });
    const std::string chain = f.add_task({{{"name", "a"}}, keeper});
    f.pass_until([&] {
        const auto running = f.processor->status().running;
        return std::any_of(running.begin(), running.end(), [&](const Processor::RunView& view) {
            return view.task == chain && view.module == "keeper";
        });
    });
    const std::string third = f.add_task({keeper});
    f.cancel(chain);
    f.pass_until([&] { return f.is_in(Stage::error, chain); });
    CHECK(f.fail_reason(chain) == "cancelled by a person");
    f.pass_until([&] { return f.processor->status().waiting == 1; });
    for (int second = 0; second < 70; ++second) f.pass_until([] { return true; });
    CHECK(f.runner->count("run keeper") == 1);
    CHECK(f.is_in(Stage::processing, third));
}

TEST_CASE("A task that is cancelled while its module is cleared away is not delivered", "[pipeline][processor]") {
    Fixture f;
    std::atomic<bool> collecting{false}, may_end{false};
    f.runner->collecting = [&] {
        collecting = true;
        while (!may_end) std::this_thread::yield();
        return Result<void>();
    };
    const std::string id = f.add_task();
    f.pass_until([&] { return collecting.load(); });
    f.cancel(id);
    may_end = true;
    f.pass_until([&] { return f.is_in(Stage::error, id); });
    CHECK(f.fail_reason(id) == "cancelled by a person");
}

TEST_CASE("What a runner could not end is ended when it can", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string id = f.add_task();
    f.pass_until([&] { return f.runner->count("run") == 1; });
    const unsigned before = f.runner->sweeps;
    SECTION("after a cancelled run") {
        f.runner->collecting = [] { return Result<void>(Error{Errc::busy, "the engine is away"}); };
        f.runner->away = true;
        f.cancel(id);
        f.pass_until([&] { return f.is_in(Stage::error, id); });
        for (int second = 0; second < 20; ++second) f.pass_until([] { return true; });
        CHECK(f.runner->sweeps == before);
    }
    SECTION("when the task cannot leave either") {
        f.close_stage(Stage::error);
        f.runner->collecting = [] { return Result<void>(Error{Errc::busy, "the engine is away"}); };
        f.cancel(id);
    }
    SECTION("when the task only waits") {
        f.stop();
        f.runner->away = true;
        f.start_again({});
        f.pass_until([&] { return f.processor->status().away.contains("docker"); });
        f.cancel(id);
        f.pass_until([&] { return f.is_in(Stage::error, id); });
    }
    f.runner->away = false;
    f.pass_until([&] { return f.runner->sweeps > before; });
    CHECK(f.runner->swept_wanted.empty());
}

TEST_CASE("Results that their stage cannot take are moved on when it can", "[pipeline][processor]") {
    Fixture f;
    f.close_stage(Stage::outgoing);
    const std::string id = f.add_task();
    f.pass_until([&] { return f.runner->count("collect") == 1 && f.processor->status().in_flight == 0; });
    for (int second = 0; second < 70; ++second) f.pass_until([] { return true; });
    test::run_handler(f.io, [&] { CHECK(f.processor->cancel(id).error().code == Errc::not_found); });
    f.open_stage(Stage::outgoing);
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
    CHECK(f.runner->count("run") == 1);
    CHECK(TaskFolders::instances(f.folders.path(Stage::outgoing, id))->size() == 2);
}

TEST_CASE("A failed task that error cannot take is not run again", "[pipeline][processor]") {
    Fixture f;
    f.close_stage(Stage::error);
    f.runner->module = [](const ModuleRun&, const RunControl&, const RunProgress&) {
        return Result<ModuleEnd>(ModuleEnd{4, "", ""});
    };
    const std::string id = f.add_task();
    f.pass_until([&] { return f.runner->count("collect") == 1 && f.processor->status().in_flight == 0; });
    for (int second = 0; second < 130; ++second) f.pass_until([] { return true; });
    f.open_stage(Stage::error);
    f.pass_until([&] { return f.is_in(Stage::error, id); });
    CHECK(f.runner->count("run") == 1);
    CHECK_FALSE(f.fail_reason(id).empty());
}

TEST_CASE("A result that is no JSON counts as none", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        test::write_file(run.out / "result.json", "{torn");
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    const std::string id = f.add_task();
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
    CHECK(read_task_file(f.folders.path(Stage::outgoing, id))->process[0].output.is_null());
}
