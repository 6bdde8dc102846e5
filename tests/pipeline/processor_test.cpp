#include "quicksilver/pipeline/processor.hpp"

#include "quicksilver/pipeline/processing_folder.hpp"

#include "processor_fixture.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Fixture = test::ProcessorFixture;

}  // namespace

TEST_CASE("A task is processed and handed on, with its targets", "[pipeline][processor]") {
    Fixture f;
    const std::string id = f.add_task();
    f.pass_until([&] { return !f.hints.empty(); });
    CHECK(f.hints.front() == "outgoing " + id);
    CHECK(TaskFolders::instances(f.folders.path(Stage::outgoing, id))->size() == 2);
    CHECK(f.runner->calls() == std::vector<std::string>{"prepare module", "run module", "collect module"});
    CHECK_FALSE(fs::exists(f.folders.path(Stage::processing, id)));
    CHECK(f.processor->status().completed_total == 1);
}

TEST_CASE("A task whose rule was deleted while it waited is processed all the same", "[pipeline][processor]") {
    Fixture f;
    f.reconfigure([](Config& changed) { changed.rules.clear(); });
    const std::string id = f.add_task();
    f.pass_until([&] { return !f.hints.empty(); });
    CHECK(f.hints == std::vector<std::string>{"outgoing " + id});
}

TEST_CASE("A task without targets is done when it is processed", "[pipeline][processor]") {
    Fixture f;
    const std::string id = f.add_task({nlohmann::ordered_json::object()}, false);
    f.pass_until([&] { return f.is_in(Stage::success, id); });
}

TEST_CASE("Modules follow one another, and one that fails ends the chain", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        if (run.module == "b") return Result<ModuleEnd>(ModuleEnd{4, "", "it said"});
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    const std::string id = f.add_task({{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}});
    f.pass_until([&] { return f.processor->status().failed_total == 1; });
    CHECK(f.runner->count("run") == 2);
    CHECK(f.fail_reason(id) == "module b ended with exit code 4: it said; its log says more");
}

TEST_CASE("A module can be cancelled, and a task that waits too", "[pipeline][processor]") {
    Fixture f;
    f.reconfigure([](Config& changed) { changed.document["processing"]["max_parallel"] = 1; });
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string first = f.add_task();
    const std::string second = f.add_task();
    f.pass_until([&] { return f.runner->count("run") == 1 && f.processor->status().waiting == 1; });
    test::run_handler(f.io, [&] {
        CHECK(f.processor->cancel(first));
        CHECK(f.processor->cancel(second));
        CHECK(f.processor->cancel("unknown").error().code == Errc::not_found);
    });
    f.pass_until([&] { return f.is_in(Stage::error, first) && f.is_in(Stage::error, second); });
    CHECK(f.fail_reason(first) == "cancelled by a person");
    CHECK(f.runner->count("collect") == 1);
}

TEST_CASE("A module that runs for too long is ended", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string id = f.add_task({{{"timeout", 30}}});
    f.pass_until([&] { return f.is_in(Stage::error, id); });
    CHECK(f.fail_reason(id).find("time-out") != std::string::npos);
}

TEST_CASE("While the runner is away its tasks wait, and then run", "[pipeline][processor]") {
    Fixture f;
    f.runner->away = true;
    const std::string id = f.add_task();
    f.pass_until([&] { return f.processor->status().away.contains("docker"); });
    CHECK(f.processor->status().waiting == 1);
    f.runner->away = false;
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
    CHECK(f.processor->status().away.empty());
}

TEST_CASE("A run that outlived the server is gone on with, any other begins anew", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string kept = f.add_task();
    const std::string lost = f.add_task();
    f.pass_until([&] { return f.runner->count("run") == 2; });
    f.stop();
    const ProcessingFolder folder(f.folders, kept);
    f.runner->remains = {RunId{kept, 0, (*folder.state())->attempt}};
    for (const std::string& id : {kept, lost}) fs::remove(f.folders.path(Stage::processing, id) / ".processing");
    f.runner->module = test::ScriptedRunner::copy_images;
    f.restart();
    f.pass_until([&] { return f.is_in(Stage::outgoing, kept) && f.is_in(Stage::outgoing, lost); });
    CHECK(f.runner->count("prepare") == 3);
    CHECK(f.runner->count("run") == 4);
}

TEST_CASE("No more run at a time than may", "[pipeline][processor]") {
    Fixture f;
    std::atomic<int> running{0}, most{0};
    f.runner->module = [&](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        most = std::max(most.load(), ++running);
        std::this_thread::yield();
        auto end = test::ScriptedRunner::copy_images(run, control, progress);
        --running;
        return end;
    };
    for (int i = 0; i < 6; ++i) f.add_task({{{"max_parallel", 1}}});
    f.pass_until([&] { return f.processor->status().completed_total == 6; });
    CHECK(most == 1);
}

TEST_CASE("A module chooses its targets, and discards", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        test::write_file(run.out / "result.json", R"({"__mercure_routing": {"discard": true}})");
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    const std::string id = f.add_task();
    f.pass_until([&] { return f.is_in(Stage::success, id); });
    const auto file = read_task_file(f.folders.path(Stage::success, id));
    CHECK_FALSE(file->dispatch);
    CHECK(file->process[0].output["__mercure_routing"]["discard"] == true);
}

TEST_CASE("A module that writes nothing has failed when something was to be delivered", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = [](const ModuleRun&, const RunControl&, const RunProgress&) {
        return Result<ModuleEnd>(ModuleEnd{});
    };
    const std::string empty = f.add_task();
    const std::string not_sent = f.add_task({nlohmann::ordered_json::object()}, false);
    const std::string retained = f.add_task({{{"retain", true}}});
    f.pass_until([&] {
        return f.is_in(Stage::error, empty) && f.is_in(Stage::success, not_sent) && f.is_in(Stage::outgoing, retained);
    });
    CHECK(f.fail_reason(empty).find("wrote nothing") != std::string::npos);
}

TEST_CASE("A task whose module nobody knows, or whose folder would lie elsewhere, fails", "[pipeline][processor]") {
    Fixture f;
    const std::string unknown = f.add_task({nlohmann::ordered_json()});
    const std::string nomad = f.add_task({{{"runner", "nomad"}}});
    const std::string escape =
        f.add_task({{{"requires_persistence", true}, {"persistence_folder_name", "../outside"}}});
    f.pass_until([&] {
        return f.is_in(Stage::error, unknown) && f.is_in(Stage::error, nomad) && f.is_in(Stage::error, escape);
    });
    CHECK(f.fail_reason(unknown).find("not configured") != std::string::npos);
    CHECK(f.fail_reason(nomad).find("nomad") != std::string::npos);
    CHECK(f.fail_reason(escape).find("persistence_folder_name") != std::string::npos);
    CHECK_FALSE(fs::exists(f.root / "outside"));
}

TEST_CASE("HALT suspends processing", "[pipeline][processor]") {
    Fixture f;
    REQUIRE(f.folders.set_halted(Stage::processing, true));
    const std::string id = f.add_task();
    f.pass_until([&] { return f.processor->status().halted && f.processor->status().waiting == 1; });
    REQUIRE(f.folders.set_halted(Stage::processing, false));
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
}

TEST_CASE("A task that failed is processed again by its rule as it is now", "[pipeline][processor]") {
    Fixture f;
    f.runner->module = [](const ModuleRun&, const RunControl&, const RunProgress&) {
        return Result<ModuleEnd>(ModuleEnd{4, "", ""});
    };
    const std::string id = f.add_task({{{"name", "old"}}});
    f.pass_until([&] { return f.processor->status().failed_total == 1; });
    Result<void> restarted;
    const auto restart = [&](const std::string& task) {
        test::run_coroutine(f.io,
                            [](Processor& p, std::string wanted, Result<void>& done) -> boost::asio::awaitable<void> {
                                done = co_await p.restart(wanted, Processor::Again::failed);
                            }(*f.processor, task, restarted));
    };
    SECTION("with other modules and targets") {
        f.runner->module = test::ScriptedRunner::copy_images;
        f.reconfigure([](Config& changed) {
            changed.rules.front().action = RuleAction::both;
            changed.rules.front().targets = {"pacs"};
            changed.rules.front().modules = {"new"};
            ModuleConfig module;
            module.name = "new";
            module.settings = {{"docker_tag", "new:1"}, {"settings", {{"depth", 3}}}};
            changed.modules.push_back(module);
        });
        restart(id);
        REQUIRE(restarted.ok());
        f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
        const auto task = read_task_file(f.folders.path(Stage::outgoing, id));
        REQUIRE(task.ok());
        CHECK(task->process.front().module_name == "new");
        CHECK(task->process.front().settings == nlohmann::ordered_json{{"depth", 3}});
        CHECK_FALSE(task->info.fail_reason.has_value());
        CHECK(task->dispatch->targets == std::vector<std::string>{"pacs"});
        CHECK(TaskFolders::instances(f.folders.path(Stage::outgoing, id))->size() == 2);
    }
    SECTION("but not when that does not process any more, or there is no such task") {
        restart(id);
        CHECK(restarted.error().code == Errc::invalid);
        CHECK(f.is_in(Stage::error, id));
        restart("nothing");
        CHECK(restarted.error().code == Errc::not_found);
        restart("../error");
        CHECK(restarted.error().code == Errc::not_found);
    }
}

TEST_CASE("A task that ended is processed again from its images as received, if they are still here",
          "[pipeline][processor]") {
    Fixture f;
    f.reconfigure([](Config& changed) {
        changed.rules.front().action = RuleAction::both;
        changed.rules.front().targets = {"pacs"};
        changed.rules.front().modules = {"module"};
        ModuleConfig module;
        module.name = "module";
        module.settings = {{"docker_tag", "module:1"}};
        changed.modules.push_back(module);
    });
    const auto restart = [&f](const std::string& task) {
        Result<void> done;
        auto ask = [&]() -> boost::asio::awaitable<void> {
            done = co_await f.processor->restart(task, Processor::Again::ended);
        };
        test::run_coroutine(f.io, ask());
        return done;
    };
    const std::string id = f.add_task();
    f.pass_until([&] { return f.processor->status().completed_total == 1; });
    CHECK(restart(id).error().code == Errc::busy);
    REQUIRE(f.folders.move(f.folders.path(Stage::outgoing, id), Stage::success).ok());
    const auto results = restart(id);
    CHECK(results.error().message.find("only the results") != std::string::npos);
    CHECK(f.is_in(Stage::success, id));

    // One that its rule did not process before.
    TaskFile plain = *read_task_file(f.folders.path(Stage::success, id));
    plain.id = "plain";
    plain.process.clear();
    const auto images = *TaskFolders::instances(f.folders.path(Stage::success, id));
    REQUIRE(f.folders.make_task(Stage::success, "plain", images, to_json_text(plain)));
    REQUIRE(restart("plain").ok());
    f.pass_until([&] { return f.is_in(Stage::outgoing, "plain"); });
    CHECK(read_task_file(f.folders.path(Stage::outgoing, "plain"))->process.front().module_name == "module");

    plain.info.applied_rule = "";
    REQUIRE(f.folders.make_task(Stage::success, "pooled", images, to_json_text(plain)));
    CHECK(restart("pooled").error().message.find("from the start") != std::string::npos);
    CHECK(f.is_in(Stage::success, "pooled"));
}

TEST_CASE("After a de-identification nobody learns who it was, not even the next module", "[pipeline][processor]") {
    Fixture f;
    auto scripted = std::make_unique<test::ScriptedRunner>();
    scripted->module = [](const ModuleRun& run, const RunControl&, const RunProgress&) -> Result<ModuleEnd> {
        dicom::PhantomOptions options;
        options.patient_id = options.patient_name = "ANON-1";
        options.accession_number = "";
        options.instances = 1;
        options.rows = options.columns = 8;
        REQUIRE(dicom::write_phantom_series(options, run.out / "made").ok());
        for (const auto& entry : fs::directory_iterator(run.out / "made")) {
            fs::rename(entry.path(), run.out / entry.path().filename());
        }
        fs::remove(run.out / "made");
        return ModuleEnd{};
    };
    f.stop();
    f.registry.add("deidentify", std::move(scripted));
    f.restart();
    std::string seen;
    f.runner->module = [&seen](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        if (run.id.step == 2) seen = test::read_file(run.in / "task.json");
        if (run.id.step == 0) test::write_file(run.out / "result.json", R"({"name": "PHANTOM^HEAD"})");
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    const std::string id =
        f.add_task({{{"name", "a"}}, {{"name", "b"}, {"runner", "deidentify"}}, {{"name", "c"}}}, true);
    const std::string series = "1.2.1";
    f.pass_until([&] { return f.is_in(Stage::outgoing, id); });
    const fs::path folder = f.folders.path(Stage::outgoing, id);
    for (const std::string& text :
         {seen, test::read_file(folder / "task.json"), test::read_file(folder / "result.json")}) {
        CHECK(text.find("PHANTOM") == std::string::npos);
        CHECK(text.find('"' + series + '"') == std::string::npos);
    }
    CHECK(read_task_file(folder)->info.mrn == "ANON-1");
}

TEST_CASE("Originals are not delivered beside de-identified images", "[pipeline][processor]") {
    Fixture f;
    f.stop();
    f.registry.add("deidentify", std::make_unique<test::ScriptedRunner>());
    f.restart();
    const std::string id = f.add_task({{{"name", "a"}, {"runner", "deidentify"}, {"retain", true}}});
    f.pass_until([&] { return f.is_in(Stage::error, id); });
    CHECK(f.fail_reason(id).find("processing_retain_images") != std::string::npos);
}
