#include "quicksilver/pipeline/dispatcher.hpp"

#include "quicksilver/store/sent_log.hpp"

#include "scripted_target.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::StageFixture {
    test::Script script;
    TargetRegistry registry;
    boost::asio::thread_pool sends{8};
    CoroutineGroup group{io.get_executor(), nullptr};
    std::unique_ptr<Dispatcher> dispatcher;

    Fixture() {
        test::ScriptedTarget::register_in(registry, script);
        add_target("a");
        add_target("b");
        restart();
    }
    ~Fixture() {
        end();
        sends.join();
    }

    void add_target(const std::string& name, unsigned max_parallel = 1, RetryConfig retry = {Seconds(900), 5}) {
        reconfigure([&](Config& changed) {
            TargetConfig target;
            target.name = name;
            target.type = "scripted";
            target.max_parallel = max_parallel;
            target.retry = retry;
            std::erase_if(changed.targets, [&](const TargetConfig& one) { return one.name == name; });
            changed.targets.push_back(target);
        });
    }

    /// A new dispatcher over the same folders, as after a crash.
    void restart() {
        end();
        dispatcher = std::make_unique<Dispatcher>(context(), sends, registry);
    }
    void run() { group.start("dispatcher", dispatcher->run()); }

    void end() {
        if (!dispatcher) return;
        test::run_handler(io, [this] {
            dispatcher->close();
            dispatcher->stop();
            group.cancel();
        });
        bool joined = false;
        auto join = [&]() -> boost::asio::awaitable<void> { joined = co_await dispatcher->join(10s); };
        test::run_coroutine(io, join());
        CHECK(joined);
        run_until([&] { return group.empty(); });
        dispatcher.reset();
    }

    void make_task(const std::string& id, std::vector<std::string> targets, std::size_t instances = 2) {
        const auto folder = root / "files" / id;
        std::vector<std::filesystem::path> made;
        for (std::size_t i = 0; i < instances; ++i) {
            made.push_back(folder / ("1.2#" + std::to_string(i) + ".dcm"));
            test::write_file(made.back(), "image " + std::to_string(i));
        }
        TaskFile task;
        task.id = id;
        task.info.uid = "1.2";
        task.dispatch = make_task_dispatch(std::move(targets), clock.wall_now());
        if (!folders.make_task(Stage::outgoing, id, made, to_json_text(task))) throw std::runtime_error("no task");
    }

    bool is_in(Stage stage, const std::string& id) { return folders.exists(stage, id); }
    TaskFile task_in(Stage stage, const std::string& id) { return read_task_file(folders.path(stage, id)).value(); }
    void advance(std::chrono::nanoseconds by) {
        clock.advance(by);
        io.restart();
        io.poll();
    }
};

const Error refused{Errc::refused, "not today"};

}  // namespace

TEST_CASE("A task that every target has moves to success with its status", "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"a", "b"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    const TaskFile task = f.task_in(Stage::success, "t");
    CHECK(task.dispatch->status.at("a").state == DispatchStatus::State::complete);
    CHECK(task.dispatch->status.at("b").state == DispatchStatus::State::complete);
    CHECK(f.script.sent("a") == std::vector<std::string>({"1.2#0.dcm", "1.2#1.dcm"}));
    f.run_until([&] { return f.dispatcher->status().completed_total == 1; });
    CHECK(f.dispatcher->status().targets.at("a").delivered_total == 1);
}

TEST_CASE("A failed delivery is tried again after its delay, not before", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.answer("a", {refused});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["a"].retrying == 1; });
    const TaskFile waiting = f.task_in(Stage::outgoing, "t");
    CHECK(waiting.dispatch->retries == 1);
    CHECK(waiting.dispatch->next_retry_at.has_value());
    CHECK(f.dispatcher->status().targets["a"].last_error == "not today");
    f.advance(899s);
    CHECK(f.script.attempts("a") == 1);
    f.advance(2s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.attempts("a") == 2);
}

TEST_CASE("A retry sends only what is not confirmed, and only to the target that failed", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.answer("a", {refused});
    f.script.confirm_before_failing(1);
    f.make_task("t", {"a", "b"}, 3);
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["a"].retrying == 1; });
    f.advance(901s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.sent("a") == std::vector<std::string>({"1.2#0.dcm", "1.2#1.dcm", "1.2#2.dcm"}));
    CHECK(f.script.attempts("b") == 1);
}

TEST_CASE("After the last attempt the task lies in error with the reason", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(10), 2});
    f.script.answer("a", {refused, refused});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["a"].retrying == 1; });
    f.advance(11s);
    f.run_until([&] { return f.is_in(Stage::error, "t"); });
    const TaskFile task = f.task_in(Stage::error, "t");
    CHECK(task.info.fail_stage == FailStage::dispatching);
    CHECK(task.info.fail_reason->find("not today") != std::string::npos);
    CHECK(task.dispatch->retries == 2);
    CHECK(f.script.attempts("a") == 2);
}

TEST_CASE("With 0 attempts a target is tried until it works", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(1), 0});
    f.script.answer("a", std::deque<Result<void>>(20, refused));
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    for (std::size_t attempt = 1; attempt <= 20; ++attempt) {
        f.run_until([&] { return f.dispatcher->status().targets["a"].retrying == 1; });
        CHECK(f.script.attempts("a") == attempt);
        f.advance(2s);
    }
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("A target that does not answer holds up nobody else", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.block("a");
    for (int i = 0; i < 5; ++i) f.make_task("slow" + std::to_string(i), {"a"});
    for (int i = 0; i < 5; ++i) f.make_task("fast" + std::to_string(i), {"b"});
    for (int i = 0; i < 5; ++i) {
        f.dispatcher->add("slow" + std::to_string(i));
        f.dispatcher->add("fast" + std::to_string(i));
    }
    f.run_until([&] { return f.dispatcher->status().completed_total == 5; });
    CHECK(f.dispatcher->status().targets["a"].in_flight == 1);
    CHECK(f.dispatcher->status().targets["a"].waiting == 4);
    f.script.unblock("a");
    f.run_until([&] { return f.dispatcher->status().completed_total == 10; });
    CHECK(f.script.most_at_once("a") == 1);
}

TEST_CASE("A target gets as many tasks at once as it allows", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 3);
    f.script.block("a");
    for (int i = 0; i < 6; ++i) f.make_task("t" + std::to_string(i), {"a"});
    for (int i = 0; i < 6; ++i) f.dispatcher->add("t" + std::to_string(i));
    f.run_until([&] { return f.script.attempts("a") == 3; });
    CHECK(f.dispatcher->status().targets["a"].in_flight == 3);
    f.script.unblock("a");
    f.run_until([&] { return f.dispatcher->status().completed_total == 6; });
    CHECK(f.script.most_at_once("a") == 3);
}

TEST_CASE("What lies in outgoing at the start is delivered without a hint", "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"a"});
    f.run();
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("After a crash only what was not confirmed is sent", "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"a", "b"}, 3);
    {
        auto log = SentLog::open(f.ops, f.folders.path(Stage::outgoing, "t"));
        REQUIRE(log.ok());
        for (const char* file : {"1.2#0.dcm", "1.2#1.dcm", "1.2#2.dcm"}) REQUIRE(log->append({"a", file, 0, ""}).ok());
        REQUIRE(log->append({"b", "1.2#0.dcm", 0, ""}).ok());
    }
    f.run();
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.sent("a").empty());
    CHECK(f.script.sent("b") == std::vector<std::string>({"1.2#1.dcm", "1.2#2.dcm"}));
}

TEST_CASE("A task that waits for its next attempt waits on after a restart", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.answer("a", {refused});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["a"].retrying == 1; });
    f.clock.advance(400s);
    f.restart();
    f.run();
    f.run_until([&] { return f.dispatcher->status().oldest.has_value() && f.clock.waiters() >= 2; });
    CHECK(f.script.attempts("a") == 1);
    for (int i = 0; i < 600 && !f.is_in(Stage::success, "t"); ++i) f.advance(1s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.attempts("a") == 2);
}

TEST_CASE("A clock that was set back does not make a task wait longer than its delay", "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"a"});
    TaskFile task = f.task_in(Stage::outgoing, "t");
    task.dispatch->next_retry_at = std::chrono::duration<double>(f.clock.wall_now().time_since_epoch()).count() + 1e9;
    REQUIRE(write_task_file(f.ops, f.folders.path(Stage::outgoing, "t"), task).ok());
    f.dispatcher->add("t");
    f.run_until([&] { return f.clock.waiters() == 1; });
    f.advance(901s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("A target that is not configured is tried again, because it may come back", "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"gone"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["gone"].retrying == 1; });
    CHECK(f.dispatcher->status().targets["gone"].last_error.find("gone") != std::string::npos);
    f.add_target("gone");
    f.advance(901s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("A task without a usable task.json stays where it is, and is delivered once it is mended",
          "[pipeline][dispatcher]") {
    Fixture f;
    f.make_task("t", {"a"});
    const std::string good = test::read_file(f.folders.path(Stage::outgoing, "t") / "task.json");
    for (const std::string& bad : {std::string("{"), std::string(), std::string("{\"id\": \"t\", \"dispatch\": {}}")}) {
        test::write_file(f.folders.path(Stage::outgoing, "t") / "task.json", bad);
        f.dispatcher->add("t");
        f.run_until([&] { return f.books.pending() > 0; });
        CHECK(f.is_in(Stage::outgoing, "t"));
        CHECK(f.script.attempts("a") == 0);
        f.restart();
    }
    test::write_file(f.folders.path(Stage::outgoing, "t") / "task.json", good);
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("HALT suspends delivery until it is gone", "[pipeline][dispatcher]") {
    Fixture f;
    REQUIRE(f.folders.set_halted(Stage::outgoing, true).ok());
    f.run();
    f.run_until([&] { return f.dispatcher->status().halted; });
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.dispatcher->status().targets["a"].waiting == 1; });
    CHECK(f.script.attempts("a") == 0);
    REQUIRE(f.folders.set_halted(Stage::outgoing, false).ok());
    f.run_until([&] { return f.clock.waiters() >= 1; });
    f.advance(2s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("Stopping leaves a task that is being sent in outgoing", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.block("a");
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.script.attempts("a") == 1; });
    f.restart();
    CHECK(f.is_in(Stage::outgoing, "t"));
    CHECK(f.task_in(Stage::outgoing, "t").dispatch->retries == 0);
    f.script.unblock("a");
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}
