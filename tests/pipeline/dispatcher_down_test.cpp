// Targets that are down: looking for them, and who takes over meanwhile.
#include "dispatcher_fixture.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;
using Fixture = test::DispatcherFixture;

namespace {

const Error away{Errc::network, "nobody there"};

/// Tasks that fail until the target counts as down.
void take_down(Fixture& f, const std::string& target) {
    f.script.answer(target, std::deque<Result<void>>(3, away));
    f.script.answer_probes(target, away);
    for (int i = 0; i < 3; ++i) {
        const std::string id = "lost" + std::to_string(i);
        f.make_task(id, {target});
        f.dispatcher->add(id);
    }
    f.run_until([&] { return f.state_of(target).down && f.state_of(target).retrying == 3; });
}

}  // namespace

TEST_CASE("A target that is down is not run into again, but looked for, and gets all when it is back",
          "[pipeline][dispatcher]") {
    Fixture f;
    take_down(f, "a");
    f.make_task("late", {"a"});
    f.dispatcher->add("late");
    f.run_until([&] { return f.state_of("a").retrying == 4; });
    CHECK(f.script.attempts("a") == 3);
    CHECK(f.task_in(Stage::outgoing, "late").dispatch->status.at("a").reason.find("nobody there") != std::string::npos);
    f.run();
    for (int second = 0; second < 200 && f.script.probes("a") < 2; ++second) {
        f.run_until([&] { return f.clock.waiters() >= 5 && !f.state_of("a").probing; });
        f.advance(1s);
    }
    CHECK(f.script.probes("a") == 2);
    CHECK(f.script.attempts("a") == 3);
    f.script.answer_probes("a", std::string("there"));
    for (int second = 0; second < 60 && f.dispatcher->status().completed_total < 4; ++second) {
        f.run_until([&] { return f.clock.waiters() >= 1 && !f.state_of("a").probing; });
        f.advance(1s);
        f.run_until([&] { return f.state_of("a").in_flight == 0; });
    }
    f.run_until([&] { return f.dispatcher->status().completed_total == 4; });
    CHECK_FALSE(f.state_of("a").down);
    CHECK(f.script.attempts("a") == 7);
}

TEST_CASE("Hundreds that wait for a target that goes down are noted in turn, and all go when it is back",
          "[pipeline][dispatcher]") {
    Fixture f;
    f.script.block("a");
    f.script.answer("a", std::deque<Result<void>>(3, away));
    f.script.answer_probes("a", away);
    for (int i = 0; i < 200; ++i) {
        const std::string id = "t" + std::to_string(i);
        f.make_task(id, {"a"}, 1);
        f.dispatcher->add(id);
    }
    f.run_until([&] { return f.state_of("a").waiting == 199; });
    f.script.unblock("a");
    f.run_until([&] { return f.state_of("a").down && f.state_of("a").retrying == 200; });
    CHECK(f.script.attempts("a") == 3);
    f.script.answer_probes("a", std::string("there"));
    CHECK(f.dispatcher->retry_now("a").ok());
    f.run_until([&] { return f.dispatcher->status().completed_total == 200; });
    CHECK(f.script.attempts("a") == 203);
}

TEST_CASE("Failing fast while a target is down counts as mercure's attempts do", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(100), 3});
    take_down(f, "a");
    for (int attempt = 2; attempt <= 3; ++attempt) {
        f.run_until([&] { return f.clock.waiters() == 3; });
        f.advance(101s);
        f.run_until([&] { return f.state_of("a").retrying == 3 || f.dispatcher->status().failed_total == 3; });
    }
    CHECK(f.dispatcher->status().failed_total == 3);
    CHECK(f.script.attempts("a") == 3);
    CHECK(f.task_in(Stage::error, "lost0").dispatch->retries == 3);
}

TEST_CASE("A trial that fails ahead of its time does not count as an attempt", "[pipeline][dispatcher]") {
    Fixture f;
    take_down(f, "a");
    f.script.answer("a", std::deque<Result<void>>(1, away));
    f.script.answer_probes("a", std::string("there"));
    f.run();
    for (int second = 0; second < 7; ++second) {
        f.run_until([&] { return f.clock.waiters() >= 4; });
        f.advance(1s);
    }
    f.run_until([&] { return f.script.attempts("a") == 4 && f.state_of("a").retrying == 3; });
    for (int i = 0; i < 3; ++i) {
        CHECK(f.task_in(Stage::outgoing, "lost" + std::to_string(i)).dispatch->retries == 1);
    }
}

TEST_CASE("While a target is down the next of its failover list takes over, and nothing is counted",
          "[pipeline][dispatcher]") {
    Fixture f;
    TargetConfig first;
    first.name = "a";
    first.type = "scripted";
    first.failover = {"b"};
    f.add_target(first);
    f.script.answer("a", std::deque<Result<void>>(3, away));
    for (int i = 0; i < 5; ++i) {
        const std::string id = "t" + std::to_string(i);
        f.make_task(id, {"a"});
        f.dispatcher->add(id);
        f.run_until([&] { return f.is_in(Stage::success, id); });
    }
    CHECK(f.script.attempts("a") == 3);
    CHECK(f.script.attempts("b") == 5);
    const TaskFile task = f.task_in(Stage::success, "t4");
    CHECK(task.dispatch->status.at("a").state == DispatchStatus::State::complete);
    CHECK(task.dispatch->status.at("a").via == "b");
    CHECK(task.dispatch->retries == 0);
}

TEST_CASE("When the whole failover list is away the attempt counts once", "[pipeline][dispatcher]") {
    Fixture f;
    TargetConfig first;
    first.name = "a";
    first.type = "scripted";
    first.failover = {"b"};
    f.add_target(first);
    f.script.answer("a", {away});
    f.script.answer("b", {away});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.state_of("a").retrying == 1; });
    CHECK(f.task_in(Stage::outgoing, "t").dispatch->retries == 1);
    f.advance(901s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.attempts("a") == 2);
    CHECK(f.script.attempts("b") == 1);
}

TEST_CASE("A group spreads its tasks over its members and passes over one that is down", "[pipeline][dispatcher]") {
    Fixture f;
    f.add_group(GroupChoice::least_busy, {"a", "b"});
    f.script.block("a");
    for (int i = 0; i < 4; ++i) {
        const std::string id = "t" + std::to_string(i);
        f.make_task(id, {"group"});
        f.dispatcher->add(id);
    }
    f.run_until([&] { return f.dispatcher->status().completed_total >= 2; });
    CHECK(f.script.attempts("a") == 1);
    f.script.unblock("a");
    f.run_until([&] { return f.dispatcher->status().completed_total == 4; });
    CHECK(f.task_in(Stage::success, "t0").dispatch->status.at("group").via != "");
    f.script.answer("a", {away});
    f.make_task("last", {"group"});
    f.dispatcher->add("last");
    f.run_until([&] { return f.is_in(Stage::success, "last"); });
    CHECK(f.task_in(Stage::success, "last").dispatch->status.at("group").via == "b");
}
