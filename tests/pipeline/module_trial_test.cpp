#include "quicksilver/pipeline/module_trial.hpp"

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/store/task_file.hpp"

#include "dicom/dicom_environment.hpp"
#include "scripted_runner.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

struct Trying : test::StageFixture {
    Trying() {
        test::require_dicom();
        reconfigure([this](Config& changed) {
            changed.folders.jobs = root / "jobs";
            changed.folders.persistence = root / "persistence";
        });
        dicom::PhantomOptions options;
        options.instances = 2;
        options.rows = options.columns = 8;
        REQUIRE(dicom::write_phantom_series(options, series));
    }

    Result<ModuleTrial::End> run(const Json& module = Json::object()) {
        ModuleTrial::Order order{"bone", module, "1.2", [this] { return find_files(); }};
        const ModuleTrial trial(folders, config, order);
        return trial.run(runner, control,
                         [this](const std::string& name, const std::string&) { told.push_back(name); });
    }
    std::vector<fs::path> files() const {
        const auto found = TaskFolders::instances(series);
        REQUIRE(found);
        return *found;
    }
    bool nothing_is_left() const { return !fs::exists(root / "jobs") || fs::is_empty(root / "jobs"); }

    fs::path series = root / "series";
    std::function<std::vector<fs::path>()> find_files = [this] { return files(); };
    test::ScriptedRunner runner;
    RunControl control;
    std::vector<std::string> told;
};

}  // namespace

TEST_CASE("A module is tried on copies, and what it made is told and removed", "[pipeline][trial]") {
    Trying trying;
    const std::string before = test::read_file(trying.files()[0]);
    trying.runner.module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        const auto task = read_task_file(run.in);
        REQUIRE(task);
        CHECK(task->process.front().settings.at("depth") == 2);
        CHECK_FALSE(task->dispatch);
        const auto inputs = TaskFolders::instances(run.in);
        REQUIRE(inputs);
        for (const fs::path& file : *inputs) test::write_file(file, "changed");
        test::write_file(run.out / "result.json", R"({"found": 3})");
        fs::create_directories(run.out / "sub");
        test::write_file(run.out / "sub" / "report.pdf", "12345");
        progress.output("one\ntwo\n");
        (void)control;
        return Result<ModuleEnd>(ModuleEnd{0, "a@sha256:9", ""});
    };
    const auto end = trying.run({{"settings", {{"depth", 2}}}});
    REQUIRE(end);
    CHECK(end->problem.empty());
    CHECK(end->log == "one\ntwo\n");
    CHECK(end->image == "a@sha256:9");
    CHECK(end->result.dump() == R"({"found":3})");
    REQUIRE(end->outputs_total == 2);
    CHECK(end->outputs[1].name == "sub/report.pdf");
    CHECK(end->outputs[1].bytes == 5);
    CHECK(trying.told == std::vector<std::string>{"files", "run"});
    CHECK(trying.runner.calls() == std::vector<std::string>{"prepare bone", "run bone", "collect bone"});
    CHECK(test::read_file(trying.files()[0]) == before);
    CHECK(trying.nothing_is_left());
}

TEST_CASE("Why a task would fail is told of a module that is tried", "[pipeline][trial]") {
    Trying trying;
    trying.runner.module = [](const ModuleRun& run, const RunControl&, const RunProgress&) {
        test::write_file(run.out / "image.dcm", "no image");
        return Result<ModuleEnd>(ModuleEnd{});
    };
    CHECK(trying.run()->problem.find("no DICOM file") != std::string::npos);
    trying.runner.module = [](const ModuleRun& run, const RunControl&, const RunProgress&) {
        test::write_file(run.out / "result.json", "{");
        return Result<ModuleEnd>(ModuleEnd{});
    };
    CHECK(trying.run()->problem.find("no JSON") != std::string::npos);
    trying.runner.module = [](const ModuleRun&, const RunControl&, const RunProgress&) {
        return Result<ModuleEnd>(ModuleEnd{3, "", "out of memory"});
    };
    const auto end = trying.run();
    CHECK(end->exit_code == 3);
    CHECK(end->problem == "it ended with exit code 3: out of memory");
    CHECK(trying.nothing_is_left());
}

TEST_CASE("A trial that is ended, or whose runner is away, is collected and leaves nothing", "[pipeline][trial]") {
    Trying trying;
    trying.runner.module = test::ScriptedRunner::wait_for_ever;
    trying.control.interrupt(Interruption::timed_out);
    CHECK(trying.run().error().code == Errc::timed_out);
    CHECK(trying.runner.count("collect") == 1);
    CHECK(trying.nothing_is_left());
    Trying alone;
    alone.runner.away = true;
    CHECK(alone.run().error().message == "the engine is away");
    CHECK(alone.nothing_is_left());
}

TEST_CASE("Files that somebody moves meanwhile are looked for again", "[pipeline][trial]") {
    Trying trying;
    int looks = 0;
    trying.find_files = [&] {
        const auto files = trying.files();
        if (++looks > 1) return files;
        fs::rename(trying.series, trying.root / "moved");
        trying.series = trying.root / "moved";
        return files;
    };
    CHECK(trying.run());
    CHECK(looks == 2);
    fs::remove_all(trying.series);
    trying.find_files = [] { return std::vector<fs::path>(); };
    CHECK(trying.run().error().code == Errc::not_found);
    CHECK(trying.nothing_is_left());
}

TEST_CASE("What a module keeps is copied for a trial and stays as it is", "[pipeline][trial]") {
    Trying trying;
    const fs::path kept = trying.root / "persistence" / "counter";
    fs::create_directories(kept / "sub");
    test::write_file(kept / "count", "1");
    test::write_file(kept / "sub" / "more", "x");
    fs::create_symlink("/etc/passwd", kept / "link");
    trying.runner.module = [](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        CHECK(test::read_file(run.persistence / "count") == "1");
        CHECK(fs::exists(run.persistence / "sub" / "more"));
        CHECK_FALSE(fs::exists(fs::symlink_status(run.persistence / "link")));
        test::write_file(run.persistence / "count", "2");
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    CHECK(trying.run({{"requires_persistence", true}, {"persistence_folder_name", "counter"}}));
    CHECK(trying.run({{"requires_persistence", true}, {"persistence_folder_name", "counter"}}));
    CHECK(test::read_file(kept / "count") == "1");
    CHECK_FALSE(trying.run({{"requires_persistence", true}, {"persistence_folder_name", "../series"}}));
    CHECK_FALSE(trying.run({{"requires_persistence", true}, {"persistence_folder_name", ".."}}));
}

TEST_CASE("Only the end of what a tried module says is kept", "[pipeline][trial]") {
    Trying trying;
    trying.runner.module = [](const ModuleRun&, const RunControl&, const RunProgress& progress) {
        for (int line = 0; line < 50'000; ++line) progress.output(fmt::format("line {}\n", line));
        return Result<ModuleEnd>(ModuleEnd{});
    };
    const auto end = trying.run();
    REQUIRE(end);
    CHECK(end->log.size() <= ModuleTrial::log_max);
    CHECK(end->log.starts_with("line "));
    CHECK(end->log.ends_with("line 49999\n"));
}

TEST_CASE("What a crash leaves of trials is removed, and nothing else", "[pipeline][trial]") {
    Trying trying;
    const fs::path jobs = trying.root / "jobs";
    for (const char* name : {"test-run-0123abcd-x", ".removing-test-run-0123abcd-y", "of-mercure"}) {
        fs::create_directories(jobs / name);
        test::write_file(jobs / name / "file", "x");
    }
    bool own_survives = false;
    trying.runner.module = [&](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        CHECK(ModuleTrial::remove_leftovers(trying.ops, jobs));
        own_survives = fs::exists(run.out);
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    CHECK(trying.run());
    CHECK(own_survives);
    CHECK(fs::exists(jobs / "of-mercure" / "file"));
    CHECK(std::distance(fs::directory_iterator(jobs), fs::directory_iterator()) == 1);
    CHECK(ModuleTrial::remove_leftovers(trying.ops, trying.root / "none"));
}

TEST_CASE("A module takes what its settings say while it runs", "[pipeline][trial]") {
    Config config;
    CHECK(slot_needs_of("m", Json(), config).module == "m");
    const Json settings = {{"max_parallel", 2}, {"requires_persistence", true}};
    CHECK(slot_needs_of("m", settings, config).module_max == 2);
    CHECK(slot_needs_of("m", settings, config).persistence == "m");
    CHECK(time_limit_of({{"timeout", 5}}, config).count() == 5);
    CHECK(time_limit_of(Json::object(), config).count() == 0);
}
