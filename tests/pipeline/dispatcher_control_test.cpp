#include "quicksilver/pipeline/series_folders.hpp"
#include "quicksilver/store/sent_log.hpp"

#include "dispatcher_fixture.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;
using Fixture = test::DispatcherFixture;
using Names = std::vector<std::string>;

namespace {

const Error refused{Errc::refused, "not today"};
constexpr auto all = DeliveryControl::Resend::all;
constexpr auto missing = DeliveryControl::Resend::missing;

void deliver(Fixture& f, const std::string& id, Names targets) {
    f.make_task(id, std::move(targets));
    f.dispatcher->add(id);
    f.run_until([&] { return f.is_in(Stage::success, id) || f.is_in(Stage::error, id); });
    f.run_until([&] { return f.dispatcher->status().waiting == 0 && f.dispatcher->status().in_flight == 0; });
}

void add_and_wait(Fixture& f, const std::string& id, const std::string& target) {
    const std::size_t before = f.state_of(target).waiting;
    f.make_task(id, {target});
    f.dispatcher->add(id);
    f.run_until([&] { return f.state_of(target).waiting == before + 1; });
}

}  // namespace

TEST_CASE("A paused target gets nothing, also after a restart, until it is resumed", "[pipeline][control]") {
    Fixture f;
    REQUIRE(f.ask(f.dispatcher->pause("a")).ok());
    f.make_task("t", {"a"});
    f.make_task("u", {"b"});
    f.dispatcher->add("t");
    f.dispatcher->add("u");
    f.run_until([&] { return f.is_in(Stage::success, "u"); });
    CHECK(f.state_of("a").paused);
    f.restart();
    f.run();
    f.run_until([&] { return f.state_of("a").waiting == 1; });
    CHECK(f.script.attempts("a") == 0);
    REQUIRE(f.ask(f.dispatcher->resume("a")).ok());
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK_FALSE(f.folders.path(Stage::outgoing).empty());
    CHECK_FALSE(std::filesystem::exists(f.folders.path(Stage::outgoing) / Dispatcher::paused_file));
}

TEST_CASE("A target that does not exist cannot be paused, and the error says so", "[pipeline][control]") {
    Fixture f;
    for (const auto& result : {f.ask(f.dispatcher->pause("x")), f.ask(f.dispatcher->resume("x")),
                               f.ask(f.dispatcher->drain("x")), f.dispatcher->retry_now("x")}) {
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().code == Errc::not_found);
        CHECK(result.error().message == "there is no target x");
    }
}

TEST_CASE("Draining delivers what waits, holds what comes later, and then pauses", "[pipeline][control]") {
    Fixture f;
    f.script.block("a");
    f.make_task("first", {"a"});
    f.dispatcher->add("first");
    f.run_until([&] { return f.script.attempts("a") == 1; });
    add_and_wait(f, "second", "a");
    REQUIRE(f.ask(f.dispatcher->drain("a")).ok());
    CHECK(f.state_of("a").draining);
    add_and_wait(f, "late", "a");
    f.script.unblock("a");
    f.run_until([&] { return f.state_of("a").paused; });
    CHECK(f.script.tasks("a") == Names({"first", "second"}));
    CHECK(f.state_of("a").waiting == 1);
    REQUIRE(f.ask(f.dispatcher->resume("a")).ok());
    f.run_until([&] { return f.is_in(Stage::success, "late"); });
}

TEST_CASE("Suspending all is mercure's HALT file", "[pipeline][control]") {
    Fixture f;
    REQUIRE(f.ask(f.dispatcher->suspend_all()).ok());
    CHECK(f.folders.is_halted(Stage::outgoing));
    add_and_wait(f, "t", "a");
    CHECK(f.script.attempts("a") == 0);
    REQUIRE(f.ask(f.dispatcher->resume_all()).ok());
    CHECK_FALSE(f.folders.is_halted(Stage::outgoing));
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("A cancelled task lies in error with the reason, wherever it was", "[pipeline][control]") {
    Fixture f;
    SECTION("waiting") {
        REQUIRE(f.ask(f.dispatcher->pause("a")).ok());
        add_and_wait(f, "t", "a");
    }
    SECTION("being sent") {
        f.script.block("a");
        f.make_task("t", {"a"});
        f.dispatcher->add("t");
        f.run_until([&] { return f.script.attempts("a") == 1; });
    }
    SECTION("waiting for its next attempt") {
        f.script.answer("a", {refused});
        f.make_task("t", {"a"});
        f.dispatcher->add("t");
        f.run_until([&] { return f.state_of("a").retrying == 1; });
    }
    REQUIRE(f.ask(f.dispatcher->cancel("t")).ok());
    f.run_until([&] { return f.is_in(Stage::error, "t"); });
    CHECK(f.task_in(Stage::error, "t").info.fail_reason == "cancelled by a person");
    f.run_until([&] { return f.dispatcher->status().in_flight == 0; });
    CHECK(f.dispatcher->status().waiting == 0);
    CHECK(f.ask(f.dispatcher->cancel("t")).error().code == Errc::not_found);
}

TEST_CASE("A task that was given up is sent again for what is missing", "[pipeline][control]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(10), 1});
    f.script.answer("a", {refused});
    f.script.confirm_before_failing(1);
    deliver(f, "t", {"a", "b"});
    REQUIRE(f.is_in(Stage::error, "t"));
    REQUIRE(f.ask(f.dispatcher->resend("t", missing)).ok());
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.script.sent("a") == Names({"1.2#0.dcm", "1.2#1.dcm"}));
    CHECK(f.script.attempts("b") == 1);
    const TaskFile task = f.task_in(Stage::success, "t");
    CHECK_FALSE(task.info.fail_reason.has_value());
    CHECK(task.dispatch->retries == 0);
}

TEST_CASE("A delivered task is sent again whole to all its targets", "[pipeline][control]") {
    Fixture f;
    deliver(f, "t", {"a", "b"});
    REQUIRE(f.ask(f.dispatcher->resend("t", all)).ok());
    f.run_until([&] { return f.dispatcher->status().completed_total == 2; });
    CHECK(f.script.sent("a") == Names({"1.2#0.dcm", "1.2#1.dcm", "1.2#0.dcm", "1.2#1.dcm"}));
    CHECK(f.script.attempts("b") == 2);
}

TEST_CASE("Sending again a task that waits for its next attempt tries it at once, uncounted", "[pipeline][control]") {
    Fixture f;
    f.script.answer("a", {refused, refused});
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    f.run_until([&] { return f.state_of("a").retrying == 1; });
    REQUIRE(f.ask(f.dispatcher->resend("t", missing)).ok());
    f.run_until([&] { return f.script.attempts("a") == 2 && f.state_of("a").retrying == 1; });
    CHECK(f.task_in(Stage::outgoing, "t").dispatch->retries == 1);
    REQUIRE(f.dispatcher->retry_now("a").ok());
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
}

TEST_CASE("However often a task is tried ahead of its time, one sleeps for its next attempt", "[pipeline][control]") {
    Fixture f;
    f.add_target("a", 1, RetryConfig{Seconds(900), 0});
    f.script.answer("a", std::deque<Result<void>>(21, refused));
    f.make_task("t", {"a"});
    f.dispatcher->add("t");
    for (std::size_t attempt = 1; attempt <= 20; ++attempt) {
        f.run_until([&] { return f.script.attempts("a") == attempt && f.state_of("a").retrying == 1; });
        CHECK(f.clock.waiters() == 1);
        f.advance(1s);
        REQUIRE(f.dispatcher->retry_now("a").ok());
    }
    f.run_until([&] { return f.script.attempts("a") == 21 && f.state_of("a").retrying == 1; });
    f.advance(900s);
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    CHECK(f.clock.waiters() == 0);
}

TEST_CASE("What cannot be sent again is refused with the reason", "[pipeline][control]") {
    Fixture f;
    for (const char* id : {"nothing", "", "../t", ".new-t"}) {
        CHECK(f.ask(f.dispatcher->resend(id, all)).error().code == Errc::not_found);
        CHECK(f.ask(f.dispatcher->send_to(id, {"a"})).error().code == Errc::not_found);
    }
    f.make_task("t", {"a"}, 1, [](TaskFile& task) { task.info.fail_stage = FailStage::processing; });
    REQUIRE(f.folders.move(f.folders.path(Stage::outgoing, "t"), Stage::error).ok());
    CHECK(f.ask(f.dispatcher->resend("t", all)).error().message.find("PROCESSING") != std::string::npos);
    CHECK(f.ask(f.dispatcher->send_to("t", {})).error().message == "name at least one target");
    CHECK(f.ask(f.dispatcher->send_to("t", {"a", "x"})).error().message == "there is no target x");
}

TEST_CASE("A task is sent to other targets as a task of its own", "[pipeline][control]") {
    Fixture f;
    deliver(f, "t", {"a"});
    const auto made = f.ask(f.dispatcher->send_to("t", {"b"}));
    REQUIRE(made.ok());
    f.run_until([&] { return f.is_in(Stage::success, *made); });
    CHECK(f.script.sent("b") == Names({"1.2#0.dcm", "1.2#1.dcm"}));
    CHECK(f.script.attempts("a") == 1);
    CHECK(f.is_in(Stage::success, "t"));
    const TaskFile task = f.task_in(Stage::success, *made);
    CHECK(task.id == *made);
    CHECK(task.dispatch->targets == Names({"b"}));
    CHECK(task.info.uid == "1.2");
}

TEST_CASE("Results in sub-folders, and that the series is held, go along to other targets", "[pipeline][control]") {
    Fixture f;
    f.make_task("t", {"a"}, 2, [](TaskFile& task) { task.process.emplace_back(); });
    const auto folder = f.folders.path(Stage::outgoing, "t");
    test::write_file(folder / "reports/deep/1.pdf", "pdf");
    std::filesystem::create_symlink("/etc/passwd", folder / "reports/link");
    REQUIRE(f.folders.hold(folder, {{"1.2", Hold{"anna", ""}}}).ok());
    f.dispatcher->add("t");
    f.run_until([&] { return f.is_in(Stage::success, "t"); });
    const auto made = f.ask(f.dispatcher->send_to("t", {"b"}));
    REQUIRE(made.ok());
    f.run_until([&] { return f.is_in(Stage::success, *made); });
    const auto copy = f.folders.path(Stage::success, *made);
    CHECK(test::read_file(copy / "reports/deep/1.pdf") == "pdf");
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(copy / "reports/link")));
    CHECK(TaskFolders::holds_of(copy)->contains("1.2"));
    CHECK(f.task_in(Stage::success, *made).process.empty());
    CHECK(holds_results(f.task_in(Stage::success, *made)));
}

TEST_CASE("What failed before it had results is not sent elsewhere as if it were the results", "[pipeline][control]") {
    Fixture f;
    f.make_task("t", {"a"}, 1, [](TaskFile& task) {
        task.info.fail_stage = FailStage::processing;
        task.process.emplace_back();
    });
    REQUIRE(f.folders.move(f.folders.path(Stage::outgoing, "t"), Stage::error).ok());
    const auto sent = f.ask(f.dispatcher->send_to("t", {"b"}));
    CHECK(sent.error().code == Errc::invalid);
    CHECK(sent.error().message.find("process it again") != std::string::npos);
}

TEST_CASE("Nothing is sent again of a task of which nothing is missing", "[pipeline][control]") {
    Fixture f;
    deliver(f, "t", {"a"});
    const auto sent = f.ask(f.dispatcher->resend("t", missing));
    CHECK(sent.error().code == Errc::invalid);
    CHECK(f.is_in(Stage::success, "t"));
    CHECK(f.script.attempts("a") == 1);
}

TEST_CASE("A task that is put first goes before all others", "[pipeline][control]") {
    Fixture f;
    REQUIRE(f.ask(f.dispatcher->pause("a")).ok());
    for (const char* id : {"t1", "t2", "t3"}) add_and_wait(f, id, "a");
    REQUIRE(f.dispatcher->put_first("t3").ok());
    CHECK(f.dispatcher->put_first("t9").error().code == Errc::not_found);
    REQUIRE(f.ask(f.dispatcher->resume("a")).ok());
    f.run_until([&] { return f.dispatcher->status().completed_total == 3; });
    CHECK(f.script.tasks("a") == Names({"t3", "t1", "t2"}));
}

TEST_CASE("A target is tested step by step", "[pipeline][control]") {
    Fixture f;
    Names seen;
    const auto on_step = [&seen](const TestStep& step) { seen.push_back(step.name); };
    const auto stop = std::make_shared<StopFlag>(false);
    const auto good = f.ask(f.dispatcher->test("a", stop, on_step));
    REQUIRE(good.ok());
    f.run_until([&] { return !seen.empty(); });
    CHECK(seen == Names({"echo"}));
    CHECK(good->front().ok);
    f.script.answer_probes("a", refused);
    const auto bad = f.ask(f.dispatcher->test("a", stop, on_step));
    REQUIRE(bad.ok());
    CHECK_FALSE(bad->front().ok);
    CHECK(bad->front().detail == "not today");
    CHECK(bad->front().hint == "scripted hint");
    CHECK(f.ask(f.dispatcher->test("x", stop, on_step)).error().code == Errc::not_found);
    stop->store(true);
    CHECK(f.ask(f.dispatcher->test("a", stop, on_step))->front().detail == "stopped");
}

TEST_CASE("What waits for a target is delivered when that has got another name, and a pause stays one",
          "[pipeline][control]") {
    Fixture f;
    REQUIRE(f.ask(f.dispatcher->pause("a")).ok());
    f.run();
    add_and_wait(f, "waits", "a");
    f.reconfigure([](Config& config) {
        for (TargetConfig& target : config.targets) {
            if (target.name == "a") target.name = "archive";
        }
        config.document["former_names"]["targets"]["a"] = "archive";
    });
    f.advance(61s);
    f.run_until([&] { return f.state_of("archive").waiting == 1; });
    CHECK(f.state_of("archive").paused);
    f.restart();
    f.run();
    f.run_until([&] { return f.state_of("archive").waiting == 1; });
    CHECK(f.state_of("archive").paused);
    CHECK(f.script.attempts("a") == 0);
    REQUIRE(f.ask(f.dispatcher->resume("archive")).ok());
    f.run_until([&] { return f.is_in(Stage::success, "waits"); });
    CHECK(f.script.attempts("archive") == 1);
}
