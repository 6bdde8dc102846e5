#include "quicksilver/pipeline/processor.hpp"

#include "processor_fixture.hpp"

using namespace quicksilver;
namespace fs = std::filesystem;

namespace {

using Turn = std::shared_ptr<const void>;

struct Guests : test::ProcessorFixture {
    /// Asks for a turn; `turns` has it once it is given.
    std::shared_ptr<RunControl> ask(SlotNeeds needs = {"guest", 0, 0, ""}, const std::string& runner_name = "docker") {
        auto control = std::make_shared<RunControl>();
        const RunId id{"guest-" + std::to_string(++asked), 0, "a"};
        test::run_handler(io, [&] {
            const auto wait = [](Guests& f, RunId run, SlotNeeds wants, std::string by,
                                 std::shared_ptr<RunControl> ends) -> boost::asio::awaitable<void> {
                auto turn = co_await f.processor->take_turn(std::move(run), std::move(wants), std::move(by), ends);
                if (turn) f.turns.push_back(*turn);
                if (!turn) f.refusals.push_back(turn.error().message);
            };
            guests.start(id.task, wait(*this, id, needs, runner_name, control));
        });
        return control;
    }
    ~Guests() {
        test::run_handler(io, [this] {
            turns.clear();
            guests.cancel();
        });
        run_until([this] { return guests.empty(); });
    }
    void leave() {
        test::run_handler(io, [this] { turns.clear(); });
    }
    Result<Turn> hold(const std::string& folder) {
        std::optional<Result<Turn>> held;
        test::run_handler(io, [&] { held = processor->hold_persistence(folder); });
        return *held;
    }
    bool is_used(const std::string& folder) {
        bool used = false;
        test::run_handler(io, [&] { used = processor->uses_persistence(folder); });
        return used;
    }

    int asked = 0;
    std::vector<Turn> turns;
    std::vector<std::string> refusals;
    CoroutineGroup guests{io.get_executor(), nullptr};
};

const nlohmann::ordered_json keeping = {{"requires_persistence", true}};

}  // namespace

TEST_CASE("A run that is no task's takes a slot, before tasks that wait", "[pipeline][processor]") {
    Guests f;
    f.reconfigure([](Config& changed) { changed.document["processing"]["max_parallel"] = 1; });
    std::atomic<bool> open{false};
    f.runner->module = [&open](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        while (!open && !control.flag()) std::this_thread::yield();
        return test::ScriptedRunner::copy_images(run, control, progress);
    };
    const std::string first = f.add_task();
    f.pass_until([&] { return f.runner->count("run") == 1; });
    const std::string second = f.add_task();
    f.pass_until([&] { return f.processor->status().waiting == 1; });
    f.ask();
    CHECK(f.turns.empty());
    open = true;
    f.pass_until([&] { return f.turns.size() == 1; });
    f.pass_until([&] { return f.is_in(Stage::outgoing, first); });
    CHECK(f.processor->status().waiting == 1);
    CHECK(f.processor->status().in_flight == 1);
    f.leave();
    f.pass_until([&] { return f.is_in(Stage::outgoing, second) && f.processor->status().in_flight == 0; });
}

TEST_CASE("A run that waits for its turn can be ended, and a server that stops ends it", "[pipeline][processor]") {
    Guests f;
    f.reconfigure([](Config& changed) { changed.document["processing"]["max_parallel"] = 1; });
    f.ask();
    f.pass_until([&] { return f.turns.size() == 1; });
    const auto waiting = f.ask();
    waiting->interrupt(Interruption::cancelled);
    f.pass_until([&] { return f.refusals.size() == 1; });
    const auto third = f.ask();
    test::run_handler(f.io, [&] { f.processor->close(); });
    f.run_until([&] { return f.refusals.size() == 2; });
    CHECK(third->why() == Interruption::cancelled);
}

TEST_CASE("While a runner is away, a run that is no task's waits and has it looked for", "[pipeline][processor]") {
    Guests f;
    f.runner->away = true;
    const std::string task = f.add_task();
    f.pass_until([&] { return !f.processor->status().away.empty(); });
    f.ask();
    CHECK(f.turns.empty());
    f.runner->away = false;
    f.pass_until([&] { return f.turns.size() == 1 && f.is_in(Stage::outgoing, task); });
}

TEST_CASE("The container of a run that is no task's is wanted", "[pipeline][processor]") {
    Guests f;
    f.ask();
    f.pass_until([&] { return f.turns.size() == 1; });
    f.runner->remains = {RunId{"guest-1", 0, "a"}};
    bool asked = false;
    f.runner->module = [&](const ModuleRun&, const RunControl&, const RunProgress&) {
        asked = true;
        return Result<ModuleEnd>(Error{Errc::busy, "the engine is away"});
    };
    f.add_task();
    f.pass_until([&] { return asked; });
    f.runner->module = test::ScriptedRunner::copy_images;
    f.pass_until([&] { return f.processor->status().completed_total == 1; });
    CHECK(f.runner->swept_wanted.contains(RunId{"guest-1", 0, "a"}));
}

TEST_CASE("What a module keeps is held by one at a time", "[pipeline][processor]") {
    Guests f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    f.pass_until([&] { return f.hold("module").ok(); });
    auto held = f.hold("module");
    REQUIRE(held);
    CHECK(f.hold("other"));
    CHECK_FALSE(f.hold("module"));
    const std::string task = f.add_task({keeping});
    f.pass_until([&] { return f.processor->status().waiting == 1; });
    CHECK(f.runner->count("run") == 0);
    test::run_handler(f.io, [&] { held = Error{Errc::busy, ""}; });
    f.pass_until([&] { return f.runner->count("run") == 1; });
    CHECK(f.is_used("module"));
    CHECK(f.hold("module").error().code == Errc::busy);
    test::run_handler(f.io, [&] { CHECK(f.processor->cancel(task)); });
    f.pass_until([&] { return f.is_in(Stage::error, task) && !f.is_used("module"); });
}

TEST_CASE("A module that an earlier start has begun uses what it keeps", "[pipeline][processor]") {
    Guests f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string task = f.add_task({keeping});
    f.pass_until([&] { return f.runner->count("run") == 1; });
    f.runner->away = true;
    f.stop();
    CHECK(f.folders.remove_stale_markers(Stage::processing));
    f.restart();
    CHECK_FALSE(f.hold("module"));  // nobody has looked yet
    f.pass_until([&] { return !f.processor->status().away.empty(); });
    CHECK(f.is_used("module"));
    CHECK_FALSE(f.hold("module"));
    CHECK(f.hold("other"));
}

TEST_CASE("A step may say more until it has ended", "[pipeline][processor]") {
    Guests f;
    f.runner->module = test::ScriptedRunner::wait_for_ever;
    const std::string task = f.add_task({nlohmann::ordered_json::object(), nlohmann::ordered_json::object()});
    f.pass_until([&] { return f.runner->count("run") == 1; });
    test::run_handler(f.io, [&] {
        CHECK(f.processor->may_run(task, 0));
        CHECK(f.processor->may_run(task, 1));
        CHECK_FALSE(f.processor->may_run(task, 2));
        CHECK_FALSE(f.processor->may_run("none", 0));
        CHECK(f.processor->cancel(task));
    });
    f.pass_until([&] { return f.is_in(Stage::error, task) && !f.processor->may_run(task, 0); });
}

TEST_CASE("Trials that an earlier start left are removed at the start", "[pipeline][processor]") {
    Guests f;
    f.reconfigure([&](Config& changed) { changed.folders.jobs = f.root / "jobs"; });
    fs::create_directories(f.root / "jobs" / "test-run-0123abcd-x");
    f.restart();
    f.pass_until([&] { return fs::is_empty(f.root / "jobs"); });
}
