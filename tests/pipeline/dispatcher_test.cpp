#include "quicksilver/store/sent_log.hpp"

#include "dispatcher_fixture.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;
using Fixture = test::DispatcherFixture;
using Names = std::vector<std::string>;

namespace {

const Error refused{Errc::refused, "not today"};

RuleConfig rule(const char* name, Priority priority) {
    RuleConfig made;
    made.name = name;
    made.priority = priority;
    return made;
}

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

TEST_CASE("A HALT file from before the start lets nothing out", "[pipeline][dispatcher]") {
    Fixture f;
    REQUIRE(f.folders.set_halted(Stage::outgoing, true).ok());
    for (int i = 0; i < 20; ++i) f.make_task("t" + std::to_string(i), {"a"});
    f.run();
    f.run_until([&] { return f.state_of("a").waiting == 20; });
    CHECK(f.script.attempts("a") == 0);
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

TEST_CASE("A target that works is not held up by the attempts of another of the same task", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(10), 5});
    f.script.answer("a", {refused, refused});
    f.script.block("b");
    f.make_task("t", {"a", "b"});
    f.dispatcher->add("t");
    for (std::size_t attempt = 1; attempt <= 2; ++attempt) {
        f.run_until([&] { return f.state_of("a").retrying == 1 && f.script.attempts("a") == attempt; });
        f.advance(11s);
    }
    f.run_until([&] { return f.state_of("a").delivered_total == 1; });
    CHECK(f.is_in(Stage::outgoing, "t"));
    f.script.unblock("b");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    const TaskDispatch dispatch = *f.task_in(Stage::success, "t").dispatch;
    CHECK(dispatch.status.at("a").state == DispatchStatus::State::complete);
    CHECK(dispatch.status.at("b").state == DispatchStatus::State::complete);
}

TEST_CASE("Each target of a task has attempts of its own, also after a restart", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(10), 2});
    f.add_target("b", 1, RetryConfig{Seconds(10), 4});
    f.script.answer("a", std::deque<Result<void>>(9, refused));
    f.script.answer("b", std::deque<Result<void>>(3, refused));
    f.make_task("t", {"a", "b"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.state_of("a").retrying == 1 && f.state_of("b").retrying == 1; });
    f.restart();
    f.dispatcher->add("t");
    f.run_until([&] { return f.clock.waiters() == 2; });
    f.advance(11s);
    f.run_until([&] { return f.script.attempts("b") == 2 && f.state_of("b").retrying == 1; });
    CHECK(f.script.attempts("a") == 2);
    CHECK(f.state_of("a").retrying == 0);
    f.restart();  // what has been given up stays so while the other target goes on
    f.dispatcher->add("t");
    for (int i = 0; i < 2; ++i) {
        f.run_until([&] { return f.state_of("b").retrying == 1; });
        f.advance(11s);
    }
    f.run_until([&] { return f.is_in(Stage::error, "t"); });
    CHECK(f.script.attempts("a") == 2);
    CHECK(f.script.attempts("b") == 4);
    const TaskFile task = f.task_in(Stage::error, "t");
    CHECK(task.dispatch->status.at("a").state == DispatchStatus::State::error);
    CHECK(task.dispatch->status.at("a").reason == "not today");
    CHECK(task.dispatch->status.at("b").state == DispatchStatus::State::complete);
}

TEST_CASE("A task that was given up and moved back by hand begins anew", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(10), 1});
    f.script.answer("a", {refused});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::error, "t"); });
    REQUIRE(f.folders.move(f.folders.path(Stage::error, "t"), Stage::outgoing).ok());
    f.run_until([&] { return f.dispatcher->status().failed_total == 1; });
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK_FALSE(f.task_in(Stage::success, "t").info.fail_stage.has_value());
}

TEST_CASE("Urgent tasks go first, then in turns; a deleted rule strands nobody", "[pipeline][dispatcher]") {
    Fixture f;
    f.reconfigure([](Config& config) {
        config.rules = {rule("fast", Priority::urgent), rule("night", Priority::offpeak)};
        config.cleaner.offpeak_start = config.cleaner.offpeak_end = "00:00";
    });
    f.script.block("a");
    const auto by_rule = [](const char* name) { return [name](TaskFile& task) { task.info.applied_rule = name; }; };
    f.make_task("first", {"a"});
    f.dispatcher->add("first");
    f.run_until([&] { return f.script.attempts("a") == 1; });
    for (const char* id : {"n1", "n2"}) f.make_task(id, {"a"}, 1, by_rule("gone"));
    f.make_task("o", {"a"}, 1, by_rule("night"));
    for (const char* id : {"u1", "u2", "u3"}) f.make_task(id, {"a"}, 1, by_rule("fast"));
    for (const char* id : {"n1", "n2", "o", "u1", "u2", "u3"}) {
        f.dispatcher->add(id);
        f.run_until([&, before = f.state_of("a").waiting] { return f.state_of("a").waiting > before; });
    }
    CHECK(f.state_of("a").offpeak == 1);
    f.script.unblock("a");
    f.run_until([&] { return f.dispatcher->status().completed_total == 6; });
    CHECK(f.script.tasks("a") == Names({"first", "u1", "u2", "n1", "u3", "n2"}));
    f.reconfigure([](Config& config) { config.cleaner.offpeak_end = "23:59"; });
    f.run();
    f.run_until([&] { return f.is_in(Stage::success, "o"); });
}

TEST_CASE("A target keeps its connections while tasks wait and closes them when none does", "[pipeline][dispatcher]") {
    Fixture f;
    f.script.block("a");
    for (int i = 0; i < 5; ++i) {
        const std::string id = "t" + std::to_string(i);
        f.make_task(id, {"a"});
        f.dispatcher->add(id);
    }
    f.run_until([&] { return f.script.attempts("a") == 1 && f.state_of("a").waiting == 4; });
    CHECK(f.script.rests("a") == 0);
    f.script.unblock("a");
    f.run_until([&] { return f.dispatcher->status().completed_total == 5 && f.script.rests("a") > 0; });
    CHECK(f.script.rests("a") == 1);
}
