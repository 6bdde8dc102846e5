#include "quicksilver/pipeline/router.hpp"

#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/store/reader.hpp"

#include "dicom/dicom_environment.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

#include <boost/asio/post.hpp>

#include <future>

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::StageFixture {
    boost::asio::thread_pool associations{1};
    IncomingStore incoming{ops, root / "incoming", DiskReserve{0, 0}};
    AsyncQueue<CompleteSeries> to_router{io.get_executor(), 100};
    Receiver receiver{context(), associations, incoming, to_router,
                      [](const dicom::CommitmentReport&) { return false; }};
    std::vector<std::string> hints;
    std::vector<std::string> joined_studies;
    StudyFolders studies{folders, clock};
    SeriesHolds holds{context()};
    std::unique_ptr<Router> router;
    CoroutineGroup group{io.get_executor(), nullptr};

    Fixture() {
        test::require_dicom();
        add_target("pacs");
        add_target("archive");
        restart();
    }
    ~Fixture() {
        stop();
        associations.join();
    }

    void add_target(const std::string& name) {
        reconfigure([&](Config& changed) {
            TargetConfig target;
            target.name = name;
            target.type = "folder";
            changed.targets.push_back(target);
        });
    }
    void add_rule(const std::string& name, const std::string& expression, std::vector<std::string> targets,
                  RuleAction action = RuleAction::route) {
        reconfigure([&](Config& changed) {
            RuleConfig rule;
            rule.name = name;
            rule.rule = expression;
            rule.targets = std::move(targets);
            rule.action = action;
            changed.rules.push_back(rule);
        });
    }

    void restart() {
        stop();
        const auto hint = [this](Stage stage, const std::string& id) {
            if (stage == Stage::outgoing) hints.push_back(id);
            if (stage == Stage::studies) joined_studies.push_back(id);
        };
        router = std::make_unique<Router>(context(), incoming, receiver, to_router, studies, holds, hint,
                                          ServerIdentity{"0.1", "appliance", "host"});
        group.start("router", router->run());
    }
    void stop() {
        if (!router) return;
        test::run_handler(io, [this] {
            group.cancel();
            router->cancel();
        });
        bool joined = false;
        auto join = [&]() -> boost::asio::awaitable<void> { joined = co_await router->join(10s); };
        test::run_coroutine(io, join());
        CHECK(joined);
        run_until([&] { return group.empty(); });
        router.reset();
    }

    /// A complete series in incoming/ with files named as received ones are.
    std::string make_series(unsigned instances, std::uint64_t seed = 1) {
        dicom::PhantomOptions options;
        options.instances = instances;
        options.rows = options.columns = 16;
        options.seed = seed;
        options.study_uid = "2.25.7";
        options.series_uid = "2.25.1" + std::to_string(seed);
        const auto written = dicom::write_phantom_series(options, root / "made").value();
        for (const auto& file : written) {
            const auto folder = root / "incoming" / options.series_uid;
            std::filesystem::create_directories(folder);
            std::filesystem::rename(file, folder / (options.series_uid + "#" + file.filename().string()));
        }
        return options.series_uid;
    }
    /// Routed again from these tasks, by this rule alone.
    Result<std::string> route_again(const std::string& series, std::vector<std::string> tasks,
                                    const std::string& rule = "") {
        Result<std::string> made = Error{};
        const KnownSeries known{series, "2.25.7", std::move(tasks)};
        auto ask = [&]() -> boost::asio::awaitable<void> { made = co_await router->route_again(known, rule); };
        test::run_coroutine(io, ask());
        return made;
    }
    void push(const std::string& series, const std::string& study = "") {
        to_router.push(CompleteSeries{series, study, clock.now(), clock.now()});
    }
    std::size_t count(const char* stage) const {
        std::size_t tasks = 0;
        for (const auto& entry : std::filesystem::directory_iterator(root / stage)) {
            if (entry.path().filename().string().front() != '.') ++tasks;
        }
        return tasks;
    }
    std::size_t claimed() const {
        std::size_t found = 0;
        for (const auto& entry : std::filesystem::directory_iterator(root / "incoming")) {
            if (entry.path().filename().string().starts_with(".routing-")) ++found;
        }
        return found;
    }
};

}  // namespace

TEST_CASE("A complete series becomes one task for each target, with all its instances", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs", "archive"});
    f.push(f.make_series(3));
    f.run_until([&] { return f.hints.size() == 2; });
    CHECK(f.count("incoming") == 0);
    for (const std::string& id : f.hints) {
        const auto folder = f.folders.path(Stage::outgoing, id);
        CHECK(TaskFolders::instances(folder)->size() == 3);
        CHECK(read_task_file(folder)->info.triggered_rules == std::vector<std::string>({"ct"}));
    }
    CHECK(f.router->status().routed_total == 1);
}

TEST_CASE("What no rule wants lies in discard, with its files", "[pipeline][router]") {
    Fixture f;
    f.add_rule("mr", "tags.Modality == 'MR'", {"pacs"});
    f.push(f.make_series(2));
    f.run_until([&] { return f.router->status().discarded_total == 1; });
    CHECK(f.count("discard") == 1);
    CHECK(f.hints.empty());
}

TEST_CASE("A broken rule is false and stops neither the others nor the series", "[pipeline][router]") {
    Fixture f;
    f.add_rule("broken", "tags.Modality ==", {"archive"});
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    f.push(f.make_series(1));
    f.run_until([&] { return f.hints.size() == 1; });
    CHECK(f.router->status().routed_total == 1);
}

TEST_CASE("A changed configuration counts for the next series", "[pipeline][router]") {
    Fixture f;
    f.add_rule("mr", "tags.Modality == 'MR'", {"pacs"});
    f.push(f.make_series(1, 1));
    f.run_until([&] { return f.router->status().discarded_total == 1; });
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    f.push(f.make_series(1, 2));
    f.run_until([&] { return f.router->status().routed_total == 1; });
}

TEST_CASE("A .tags file beside an instance can force a rule", "[pipeline][router]") {
    Fixture f;
    f.add_rule("never", "False", {"pacs"});
    const std::string series = f.make_series(1);
    const auto instance = TaskFolders::instances(f.root / "incoming" / series)->front();
    auto tags = instance;
    test::write_file(tags.replace_extension(".tags"), "{\"mercureForceRule\": \"never\"}");
    f.push(series);
    f.run_until([&] { return f.hints.size() == 1; });
}

TEST_CASE("A hint of a series that is not there any more is nothing", "[pipeline][router]") {
    Fixture f;
    f.push("2.25.404");
    f.run_until([&] { return f.to_router.size() == 0 && f.router->status().in_flight == 0; });
    CHECK(f.router->status().failed_total == 0);
}

TEST_CASE("Instances that come after a series was routed are routed as a late part, and the events say so",
          "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    f.push(f.make_series(2));
    f.run_until([&] { return f.hints.size() == 1; });
    f.push(f.make_series(1));
    f.run_until([&] { return f.hints.size() == 2; });
    test::run_coroutine(f.io, f.books.close());
    Reader reader(f.root / "books.sqlite");
    const auto tasks = reader.recent_tasks(10);
    REQUIRE(tasks.ok());
    std::vector<std::string> infos;
    for (const TaskRow& task : *tasks) {
        const auto events = reader.task_events(task.id);
        for (const TaskEventRow& event : *events) {
            if (event.event == "REGISTER") infos.push_back(event.info);
        }
    }
    std::sort(infos.begin(), infos.end());
    REQUIRE(infos.size() == 2);
    CHECK(infos[0] == "Registered series");
    CHECK(infos[1].find("late part") != std::string::npos);
}

TEST_CASE("A series that cannot be read is tried again in growing steps and at last lies whole in error",
          "[pipeline][router]") {
    Fixture f;
    test::write_file(f.root / "incoming" / "2.25.9" / "2.25.9#1.dcm", "not DICOM");
    f.push("2.25.9");
    for (int step = 0; step < 500 && f.router->status().failed_total == 0; ++step) {
        f.run_until([&] { return f.clock.waiters() > 0 || f.router->status().failed_total > 0; });
        f.clock.advance(5s);
        f.io.restart();
        f.io.poll();
    }
    CHECK(f.router->status().failed_total == 1);
    REQUIRE(f.count("error") == 1);
    const auto folder = std::filesystem::directory_iterator(f.root / "error")->path();
    CHECK(test::read_file(folder / "2.25.9#1.dcm") == "not DICOM");
}

TEST_CASE("A study is in hand from the queue until its series is handed over", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    const std::string series = f.make_series(1);
    std::promise<void> go_on;
    const std::shared_future<void> wait = go_on.get_future().share();
    for (int thread = 0; thread < 2; ++thread) boost::asio::post(f.files, [wait] { wait.wait(); });
    f.push(series, "1.2.3");
    CHECK(f.router->is_routing_study("1.2.3"));
    f.run_until([&] { return f.to_router.size() == 0; });
    CHECK(f.router->is_routing_study("1.2.3"));
    go_on.set_value();
    f.run_until([&] { return f.hints.size() == 1 && f.router->status().in_flight == 0; });
    CHECK_FALSE(f.router->is_routing_study("1.2.3"));
}

TEST_CASE("A series that a crash left claimed is routed at the next start", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    const std::string series = f.make_series(2);
    REQUIRE(f.incoming.claim(series, "left").ok());
    std::size_t recovered = 0;
    auto recover = [&]() -> boost::asio::awaitable<void> { recovered = co_await f.router->recover(); };
    test::run_coroutine(f.io, recover());
    CHECK(recovered == 1);
    f.run_until([&] { return f.hints.size() == 1; });
    CHECK(TaskFolders::instances(f.folders.path(Stage::outgoing, f.hints[0]))->size() == 2);
    CHECK(f.claimed() == 0);
}

TEST_CASE("Series of a study-level rule join one study, which keeps its rule's condition", "[pipeline][router]") {
    Fixture f;
    f.add_rule("brain", "tags.Modality == 'CT'", {"pacs"}, RuleAction::both);
    f.reconfigure([](Config& changed) {
        changed.rules.front().trigger = RuleTrigger::study;
        changed.rules.front().study_condition = StudyCondition::received_series;
        changed.rules.front().study_trigger_series = "'T1' and 'T2'";
        changed.rules.front().study_force_action = StudyForceAction::proceed;
        changed.rules.front().modules = {"segment"};
    });
    f.push(f.make_series(2, 1));
    f.run_until([&] { return f.joined_studies.size() == 1; });
    f.push(f.make_series(3, 2));
    f.run_until([&] { return f.joined_studies.size() == 2; });
    const auto studies = f.studies.list();
    REQUIRE(studies.ok());
    REQUIRE(studies->size() == 1);
    const CollectedStudy& study = studies->front();
    CHECK(f.joined_studies == std::vector<std::string>{study.key, study.key});
    CHECK(TaskFolders::instances(study.folder)->size() == 5);
    REQUIRE(study.task.ok());
    CHECK(study.task->info.uid_type == "study");
    CHECK(study.task->info.uid == study.task->study->study_uid);
    CHECK(study.task->info.action == "both");
    CHECK(study.task->study->received_series_uid == std::vector<std::string>{"2.25.11", "2.25.12"});
    CHECK(study.task->study->complete_trigger == "received_series");
    CHECK(study.task->study->complete_required_series == "'T1' and 'T2'");
    CHECK(study.task->study->complete_force_action == "proceed");
    CHECK(study.task->dispatch->targets == std::vector<std::string>{"pacs"});
    REQUIRE(study.task->process.size() == 1);
    CHECK(study.task->process.front().module_name == "segment");
    CHECK(f.claimed() == 0);

    test::run_coroutine(f.io, f.books.close());
    Reader reader(f.root / "books.sqlite");
    std::vector<std::string> infos;
    const auto events = reader.task_events(study.task->id);
    for (const TaskEventRow& event : *events) infos.push_back(event.event + " " + event.info);
    CHECK(infos == std::vector<std::string>(2, "ASSIGN Added series to study"));
}

TEST_CASE("A series that goes to a target and into a study does both", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    f.add_rule("brain", "tags.Modality == 'CT'", {"archive"});
    f.reconfigure([](Config& changed) { changed.rules.back().trigger = RuleTrigger::study; });
    f.push(f.make_series(2));
    f.run_until([&] { return f.joined_studies.size() == 1 && f.hints.size() == 1; });
    CHECK(TaskFolders::instances(f.folders.path(Stage::outgoing, f.hints.front()))->size() == 2);
    CHECK(TaskFolders::instances(f.folders.path(Stage::studies, f.joined_studies.front()))->size() == 2);
}

TEST_CASE("A study-level rule whose name is no folder name keeps the series in error, with the reason",
          "[pipeline][router]") {
    Fixture f;
    f.add_rule("a/b", "True", {"pacs"});
    f.reconfigure([](Config& changed) { changed.rules.back().trigger = RuleTrigger::study; });
    f.push(f.make_series(1));
    f.run_until([&] { return f.router->status().failed_total == 1; });
    const auto folder = std::filesystem::directory_iterator(f.root / "error")->path();
    CHECK(read_task_file(folder)->info.fail_reason->find("rename the rule") != std::string::npos);
}

TEST_CASE("A series is known by its study as long as it waits or is being routed", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "True", {"pacs"});
    const std::string series = f.make_series(1);
    f.to_router.push(CompleteSeries{series, "1.2.study", f.clock.now(), f.clock.now()});
    CHECK(f.router->is_routing_study("1.2.study"));
    f.run_until([&] { return f.hints.size() == 1 && f.router->status().in_flight == 0; });
    CHECK_FALSE(f.router->is_routing_study("1.2.study"));
}

TEST_CASE("A series of which an instance is being written is put back", "[pipeline][router]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    const std::string series = f.make_series(1);
    auto writer = f.incoming.begin({"1.2.840.10008.5.1.4.1.1.2", "1.9", "1", series, "1.2.840.10008.1.2.1"});
    REQUIRE(writer.ok());
    f.push(series);
    f.run_until([&] { return f.receiver.status().series_arriving == 1; });
    CHECK(f.claimed() == 0);
    CHECK(f.router->status().failed_total == 0);
}

TEST_CASE("A series is routed again by a rule that did not trigger, from the files of its task, which stays",
          "[pipeline][router][again]") {
    Fixture f;
    f.add_rule("ct", "tags.Modality == 'CT'", {"pacs"});
    f.add_rule("never", "False", {"archive"});
    const std::string series = f.make_series(2);
    f.push(series);
    f.run_until([&] { return f.hints.size() == 1; });
    REQUIRE(f.folders.move(f.folders.path(Stage::outgoing, f.hints[0]), Stage::success).ok());
    const auto again = f.route_again(series, {f.hints[0]}, "never");
    REQUIRE(again.ok());
    f.run_until([&] { return f.hints.size() == 2; });
    const auto folder = f.folders.path(Stage::outgoing, f.hints[1]);
    CHECK(TaskFolders::instances(folder)->size() == 2);
    CHECK(read_task_file(folder)->info.triggered_rules == std::vector<std::string>{"never"});
    CHECK(read_task_file(folder)->dispatch->targets == std::vector<std::string>{"archive"});
    CHECK(TaskFolders::instances(f.folders.path(Stage::success, f.hints[0]))->size() == 2);
    CHECK(f.claimed() == 0);
    f.run_until([&] { return f.router->status().in_flight == 0; });
    test::run_coroutine(f.io, f.books.close());
    Reader reader(f.root / "books.sqlite");
    const auto events = reader.task_events(*again);
    REQUIRE_FALSE(events->empty());
    CHECK(events->front().info == "Registered series again for rule never alone");
}

TEST_CASE("Routed again from the start, today's rules decide", "[pipeline][router][again]") {
    Fixture f;
    f.add_rule("mr", "tags.Modality == 'MR'", {"pacs"});
    const std::string series = f.make_series(2);
    f.push(series);
    f.run_until([&] { return f.router->status().discarded_total == 1; });
    const std::string discarded = f.folders.list(Stage::discard)->front().id;
    f.add_rule("ct", "tags.Modality == 'CT'", {"archive"});
    REQUIRE(f.route_again(series, {discarded}).ok());
    f.run_until([&] { return f.hints.size() == 1; });
    CHECK(f.folders.exists(Stage::discard, discarded));
}

TEST_CASE("A series is routed again whole, from all its parts, and without the results of modules",
          "[pipeline][router][again]") {
    Fixture f;
    f.add_rule("ct", "True", {"pacs"});
    const std::string series = f.make_series(3);
    const auto files = *TaskFolders::instances(f.root / "incoming" / series);
    const auto task_of = [](bool processed) {
        TaskFile task;
        if (processed) task.process.emplace_back();
        return to_json_text(task);
    };
    REQUIRE(f.folders.make_task(Stage::success, "plain", {files[0]}, task_of(false)).ok());
    REQUIRE(f.folders.make_task(Stage::success, "results", {files[1]}, task_of(true)).ok());
    REQUIRE(f.folders.make_task(Stage::error, "failed", {}, task_of(true)).ok());
    std::filesystem::create_directories(f.root / "error/failed/as_received");
    std::filesystem::rename(files[2], f.root / "error/failed/as_received" / files[2].filename());
    std::filesystem::remove_all(f.root / "incoming" / series);
    REQUIRE(f.route_again(series, {"plain", "results", "failed"}).ok());
    f.run_until([&] { return f.hints.size() == 1; });
    const auto routed = *TaskFolders::instances(f.folders.path(Stage::outgoing, f.hints[0]));
    REQUIRE(routed.size() == 2);
    CHECK(routed[0].filename() == files[0].filename());
    CHECK(routed[1].filename() == files[2].filename());
}

TEST_CASE("What cannot be routed again says why", "[pipeline][router][again]") {
    Fixture f;
    f.add_rule("ct", "True", {"pacs"});
    f.add_rule("off", "True", {"pacs"});
    f.reconfigure([](Config& changed) { changed.rules.back().disabled = true; });
    const std::string series = f.make_series(1);
    CHECK(f.route_again(series, {}, "unknown").error().code == Errc::not_found);
    CHECK(f.route_again(series, {}, "off").error().message.find("disabled") != std::string::npos);
    CHECK(f.route_again(series, {}).error().message.find("still arriving") != std::string::npos);
    const auto gone = f.route_again("2.25.404", {"no-task", "../x"});
    CHECK(gone.error().code == Errc::not_found);
    CHECK(gone.error().message.find("not here any more") != std::string::npos);
    CHECK(f.claimed() == 0);
}

TEST_CASE("While routing is paused a series to route again waits, and a restart does not forget its rule",
          "[pipeline][router][again]") {
    Fixture f;
    f.add_rule("ct", "True", {"pacs"});
    f.add_rule("never", "False", {"archive"});
    const std::string series = f.make_series(1);
    f.push(series);
    f.run_until([&] { return f.hints.size() == 1; });
    f.router->set_paused(true);
    REQUIRE(f.route_again(series, {f.hints[0]}, "never").ok());
    CHECK(f.router->status().waiting == 1);
    CHECK(f.router->status().in_flight == 0);
    CHECK(f.claimed() == 1);
    const std::size_t before = f.hints.size();
    f.restart();
    auto recover = [&]() -> boost::asio::awaitable<void> { (void)co_await f.router->recover(); };
    test::run_coroutine(f.io, recover());
    f.run_until([&] { return f.hints.size() == before + 1; });
    const auto task = read_task_file(f.folders.path(Stage::outgoing, f.hints.back()));
    CHECK(task->info.triggered_rules == std::vector<std::string>{"never"});
}

TEST_CASE("What becomes of a held series is held, late parts as well", "[pipeline][router][hold]") {
    Fixture f;
    f.add_rule("ct", "True", {"pacs", "archive"});
    const std::string series = f.make_series(2);
    const KnownSeries known{series, "", {}};
    auto hold = [&]() -> boost::asio::awaitable<void> {
        const auto held = co_await f.holds.hold(known, "anna");
        CHECK(held.ok());
    };
    test::run_coroutine(f.io, hold());
    f.push(series);
    f.run_until([&] { return f.hints.size() == 2; });
    f.push(f.make_series(1));
    f.run_until([&] { return f.hints.size() == 4 && f.router->status().in_flight == 0; });
    for (const std::string& task : f.hints) {
        CHECK(TaskFolders::holds_of(f.folders.path(Stage::outgoing, task))->at(series).user == "anna");
    }
}
