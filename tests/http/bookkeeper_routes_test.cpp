#include "quicksilver/http/bookkeeper_routes.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "http/api/dicom_setup.hpp"
#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "store/folders_fixture.hpp"
#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

struct BooksFixture {
    FoldersFixture stages;
    TaskFolders folders = stages.folders();
    TemporaryFolder folder;
    ManualClock clock;
    std::shared_ptr<Config> config = std::make_shared<Config>();
    std::unique_ptr<Journal> journal = *Journal::open(folder / "quicksilver.sqlite");
    HistoryConnections history{folder / "quicksilver.sqlite"};
    boost::asio::thread_pool readers{1};
    std::vector<JournalEntry> recorded;  // io thread, read after the answer
    RunningServer server{make_routes()};

    BooksFixture() { config->bookkeeper_api_key = "key"; }
    ~BooksFixture() { server.stop(); }

    Routes make_routes() {
        Routes routes;
        add_bookkeeper_routes(
            routes, {[this] { return config; }, [this](JournalEntry entry) { recorded.push_back(std::move(entry)); },
                     clock, history, folders, readers});
        return routes;
    }

    HttpAnswer call(const std::string& method, const std::string& target, const std::string& body = "",
                    const std::string& authorization = "Token key") {
        HttpClient client(server.port());
        return client.exchange(
            fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {}\r\n"
                        "Content-Length: {}\r\n\r\n{}",
                        method, target, authorization, body.size(), body));
    }
};

}  // namespace

TEST_CASE("mercure's helpers write their events with the key", "[http][bookkeeper]") {
    BooksFixture f;
    CHECK(f.call("GET", "/test", "", "none").body == R"({"ok":""})");
    CHECK(f.call("POST", "/mercure-event", "sender=router.x&event=BOOT&severity=2&description=a+b").status == 200);
    CHECK(f.call("POST", "/task-event", "task_id=t1&event=DISPATCH_BEGIN&file_count=3&target=pacs").status == 200);
    CHECK(f.call("POST", "/register-task", R"({"id": "t1", "series_uid": "1.2", "parent_id": null})").status == 200);
    CHECK(f.call("POST", "/register-series", "SeriesInstanceUID=1.2&Modality=CT").status == 200);
    REQUIRE(f.recorded.size() == 4);
    const auto& event = std::get<journal::MercureEvent>(f.recorded[0]);
    CHECK(event.event == MercureEventType::boot);
    CHECK(event.severity == Severity::error);
    CHECK(event.description == "a b");
    CHECK(std::get<journal::TaskEvent>(f.recorded[1]).event == TaskEventType::dispatch_begin);
    CHECK(std::get<journal::TaskEvent>(f.recorded[1]).file_count == 3);
    CHECK(std::get<journal::SeriesRegistered>(f.recorded[3]).tags.get("Modality") == "CT");
}

TEST_CASE("Without the right key nothing is written or read", "[http][bookkeeper]") {
    BooksFixture f;
    for (const char* wrong : {"", "Token", "Token wrong", "Bearer key", "key"}) {
        INFO(wrong);
        CHECK(f.call("POST", "/mercure-event", "event=BOOT", wrong).status == 401);
        CHECK(f.call("GET", "/query/series", "", wrong).status == 401);
    }
    f.server.on_io([&] { f.config->bookkeeper_api_key = ""; });
    CHECK(f.call("POST", "/mercure-event", "event=BOOT", "Token ").status == 403);
    CHECK(f.recorded.empty());
}

TEST_CASE("What cannot be read is refused", "[http][bookkeeper]") {
    BooksFixture f;
    CHECK(f.call("POST", "/register-task", "{").status == 400);
    CHECK(f.call("POST", "/register-task", "[]").status == 400);
    CHECK(f.call("POST", "/update-task", "{\"id\": 5}").status == 400);
    CHECK(f.call("POST", "/task-event", "").status == 400);
    CHECK(f.call("POST", "/register-series", "Modality=CT").status == 400);
    CHECK(f.recorded.empty());
}

TEST_CASE("The queries answer from the database", "[http][bookkeeper]") {
    BooksFixture f;
    journal::SeriesRegistered series{f.clock.wall_now(), "1.2", {}};
    series.tags.add("Modality", "CT");
    journal::SeriesState state{f.clock.wall_now(), "1.2", journal::SeriesStage::done, "", "", "t1", 1, 1};
    journal::TaskRegistered task{f.clock.wall_now(), "t1", "", "1.2"};
    journal::TaskEvent event{f.clock.wall_now(), "t1", "router", TaskEventType::registered, 1, "", ""};
    REQUIRE(f.journal->write({series, state, task, event}).ok());
    const auto get = [&](const char* target) { return nlohmann::json::parse(f.call("GET", target).body); };
    const std::string now = local_timestamp(f.clock.wall_now());
    CHECK(get("/query/series") == nlohmann::json::parse(R"([{"id": 1, "time": "NOW", "series_uid": "1.2",
              "tag_seriesdescription": null, "tag_modality": "CT"}])",
                                                        [&](int, auto, nlohmann::json& part) {
                                                            if (part == "NOW") part = now;
                                                            return true;
                                                        }));
    CHECK(get("/query/series?series_uid=1.2").size() == 1);
    CHECK(get("/query/series?series_uid=1.3").empty());
    const auto shown = get("/query/tasks")[0];
    CHECK(shown ==
          nlohmann::json{{"id", "t1"}, {"time", now}, {"tag_seriesdescription", nullptr}, {"tag_modality", "CT"}});
    const auto told = get("/query/task-events?task_id=t1")[0];
    CHECK(told.at("event") == "REGISTER");
    CHECK(told.at("time") == now);
    CHECK(told.at("local_time") == now);
}

TEST_CASE("What modules said and gave back is written and read as in mercure", "[http][bookkeeper]") {
    BooksFixture f;
    CHECK(f.call("POST", "/processor-logs", "task_id=t1&module_name=bone&logs=one%0Atwo").status == 200);
    CHECK(f.call("POST", "/store-processor-output",
                 R"({"task_id": "t1", "module": "bone", "index": 1, "settings": {}, "output": {"age": 12}})")
              .status == 200);
    CHECK(f.call("POST", "/processor-logs", "logs=x").status == 400);
    CHECK(f.call("POST", "/store-processor-output", "[]").status == 400);
    REQUIRE(f.journal->write(f.recorded).ok());
    const auto get = [&](const char* target) { return nlohmann::json::parse(f.call("GET", target).body); };
    CHECK(get("/query/task_process_logs?task_id=t1")[0].at("logs") == "one\ntwo");
    CHECK(get("/query/task_process_results?task_id=t1")[0].at("output").at("age") == 12);
    CHECK(get("/query/task_process_results?task_id=t2").empty());
}

TEST_CASE("Files and tasks are found as in mercure", "[http][bookkeeper]") {
    BooksFixture f;
    const WallTime now = f.clock.wall_now();
    const auto task = [](const char* acc, const char* name, const char* type) {
        return nlohmann::json(
                   {{"info",
                     {{"acc", acc}, {"mrn", "M1"}, {"patient_name", name}, {"uid_type", type}, {"applied_rule", ""}}}})
            .dump();
    };
    REQUIRE(f.journal
                ->write({journal::DicomFile{now, "1.2#1", "1", "1.2"}, journal::DicomFile{now, "1.3#1", "1", "1.3"},
                         journal::TaskRegistered{now, "t1", "", "1.2"},
                         journal::TaskUpdated{now, "t1", task("ACC-1", "Doe^Jane", "series")},
                         journal::TaskRegistered{now, "t2", "", "1.3"},
                         journal::TaskUpdated{now, "t2", task("ACC-2", "Roe^Ann", "study")},
                         journal::TaskRegistered{now, "t3", "t1", "1.2"},
                         journal::TaskUpdated{now, "t3", R"({"info": {"applied_rule": "chest"}})"}})
                .ok());
    const auto get = [&](const std::string& target) { return nlohmann::json::parse(f.call("GET", target).body); };
    CHECK(get("/query/dicom-files?series_uid=1.3").size() == 1);
    const auto found = [&](const std::string& query) {
        std::string ids;
        const auto answer = get("/query/find_task?draw=7&" + query);
        CHECK(answer.at("draw") == 7);
        CHECK(answer.at("recordsTotal") == 2);
        for (const auto& row : answer.at("data")) ids += row.at("task_id").get<std::string>() + " ";
        return ids;
    };
    CHECK(found("search%5Bvalue%5D=ACC-1") == "t1 ");
    CHECK(found("search%5Bvalue%5D=roe") == "t2 ");
    CHECK(found("search%5Bvalue%5D=chest") == "t1 ");
    CHECK(found("study_filter=true") == "t2 ");
    CHECK(found("order%5B0%5D%5Bcolumn%5D=0&order%5B0%5D%5Bdir%5D=asc") == "t1 t2 ");
    CHECK(found("order%5B0%5D%5Bcolumn%5D=0&order%5B0%5D%5Bdir%5D=desc&length=1") == "t2 ");
    CHECK(found("search%5Bvalue%5D=nothing%27") == "");
}

TEST_CASE("The bookkeeper's key is not guessed by trying", "[http][bookkeeper]") {
    BooksFixture f;
    for (int i = 0; i < 20; ++i) CHECK(f.call("GET", "/query/series", "", "Token guess").status == 401);
    const HttpAnswer throttled = f.call("GET", "/query/series", "", "Token key");
    CHECK(throttled.status == 429);
    CHECK(throttled.header("Retry-After") == "3");
    f.server.on_io([&] { f.clock.advance(std::chrono::seconds(3)); });
    CHECK(f.call("GET", "/query/series", "", "Token key").status == 200);
    // With the right key there is no limit.
    for (int i = 0; i < 40; ++i) CHECK(f.call("GET", "/query/series", "", "Token key").status == 200);
}

TEST_CASE("A body of a helper that is nested without end is refused", "[http][bookkeeper]") {
    BooksFixture f;
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    CHECK(f.call("POST", "/store-processor-output", R"({"task_id": "t1", "output": )" + deep + "}").status == 400);
    CHECK(f.call("POST", "/update-task", R"({"id": "t1", "x": )" + deep + "}").status == 400);
    CHECK(f.recorded.empty());
}

TEST_CASE("A series of a long history is found by its UID", "[http][bookkeeper]") {
    BooksFixture f;
    std::vector<JournalEntry> entries;
    for (int n = 0; n < 10'002; ++n) {
        entries.emplace_back(journal::SeriesRegistered{f.clock.wall_now(), fmt::format("1.2.{}", n), {}});
    }
    REQUIRE(f.journal->write(entries).ok());
    const auto get = [&](const char* target) { return nlohmann::json::parse(f.call("GET", target).body); };
    CHECK(get("/query/series?series_uid=1.2.0").size() == 1);
    CHECK(get("/query/series").size() == 10'000);
}

TEST_CASE("Tests begin, get their task, and end; one that never ends has failed", "[http][bookkeeper]") {
    BooksFixture f;
    const auto post = [&](const char* target, const char* body) {
        const unsigned status = f.call("POST", target, body).status;
        REQUIRE(f.journal->write(f.recorded).ok());
        f.server.on_io([&] { f.recorded.clear(); });
        return status;
    };
    CHECK(post("/test-begin", R"({"id": "a", "type": "process"})") == 200);
    CHECK(post("/test-begin", R"({"id": "a", "task_id": "t1"})") == 200);
    f.server.on_io([&] { f.clock.advance(std::chrono::minutes(1)); });
    CHECK(post("/test-begin", R"({"id": "b"})") == 200);
    CHECK(post("/test-begin", R"({"type": "route"})") == 400);
    CHECK(post("/test-end", R"({"id": "b", "status": "success"})") == 200);
    CHECK(post("/test-end", "[]") == 400);
    const auto tests = [&] { return nlohmann::json::parse(f.call("GET", "/query/tests").body); };
    REQUIRE(tests().size() == 2);
    CHECK(tests()[0].at("id") == "b");
    CHECK(tests()[0].at("type") == "route");
    CHECK(tests()[0].at("rule_type") == "series");
    CHECK(tests()[0].at("status") == "success");
    CHECK(tests()[0].at("time_end") == local_timestamp(f.clock.wall_now()));
    CHECK(tests()[1].at("type") == "process");
    CHECK(tests()[1].at("task_id") == "t1");
    CHECK(tests()[1].at("status") == "begin");
    CHECK(tests()[1].at("time_end").is_null());
    f.server.on_io([&] { f.clock.advance(std::chrono::minutes(10)); });
    CHECK(tests()[1].at("status") == "failed");
    CHECK(tests()[0].at("status") == "success");
}

TEST_CASE("What is known of a task stands together", "[http][bookkeeper]") {
    require_dictionary();
    BooksFixture f;
    const WallTime now = f.clock.wall_now();
    journal::SeriesRegistered series{now, "1.2", {}};
    series.tags.add("Modality", "CT");
    series.tags.add("PatientName", "Doe^Jane");
    const std::string child = "3f0e8d9a-0000-11f0-8000-000000000001";
    REQUIRE(f.journal
                ->write({series, journal::TaskRegistered{now, "t1", "", "1.2"},
                         journal::TaskUpdated{now, "t1", R"({"id": "t1", "tags": {
                             "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]},
                             "00080008": {"vr": "CS", "Value": ["ORIGINAL", "PRIMARY"]}}})"},
                         journal::TaskRegistered{now, child, "t1", "1.2"},
                         journal::TaskUpdated{now, child, R"({"info": {"action": "route"}})"}})
                .ok());
    dicom::PhantomOptions options;
    options.instances = 1;
    options.patient_name = "Roe^Ann";
    REQUIRE(dicom::write_phantom_series(options, f.folders.path(Stage::success, child)).ok());
    const auto get = [&](const std::string& target) { return nlohmann::json::parse(f.call("GET", target).body); };
    const auto info = get("/query/get_task_info?task_id=t1");
    CHECK(info.at("information").at("PatientName") == "Doe^Jane");
    CHECK(info.at("information").at("SeriesUID") == "1.2");
    CHECK(info.at("information").at("BodyPartExamined").is_null());
    CHECK(info.at("sample_tags_received").at("PatientName") == "Doe^Jane");
    CHECK(info.at("sample_tags_received").at("ImageType") == nlohmann::json{"ORIGINAL", "PRIMARY"});
    CHECK_FALSE(info.contains("task t1"));
    CHECK(info.at("task " + child).at("info").at("action") == "route");
    CHECK(info.at("task " + child).at("sample_tags_result").at("PatientName") == "Roe^Ann");
    CHECK(get("/query/get_task_info?task_id=none").empty());
    CHECK(get("/query/get_task_info").empty());
}

TEST_CASE("The tags that a helper sends of a task leave the rest of it", "[http][bookkeeper]") {
    BooksFixture f;
    REQUIRE(
        f.journal->write({journal::TaskUpdated{f.clock.wall_now(), "t1", R"({"info": {"action": "route"}})"}}).ok());
    CHECK(f.call("POST", "/update-task", R"({"id": "t1", "tags": {"00100010": {"vr": "PN"}}})").status == 200);
    REQUIRE(f.journal->write(f.recorded).ok());
    const auto info = nlohmann::json::parse(f.call("GET", "/query/get_task_info?task_id=t1").body);
    CHECK(info.at("task t1").at("info").at("action") == "route");
    CHECK(info.at("sample_tags_received").contains("PatientName"));
}

TEST_CASE("What helpers say in their own words is marked, and they read it as they wrote it", "[http][bookkeeper]") {
    BooksFixture f;
    CHECK(f.call("POST", "/task-event", "task_id=t1&event=ERROR&info=Doe%5EJane+is+lost").status == 200);
    CHECK(f.call("POST", "/update-task", R"({"id": "t1", "info": {"fail_reason": "Doe^Jane"},
              "dispatch": {"status": {"pacs": {"state": "error", "reason": "Doe^Jane"}}}})")
              .status == 200);
    REQUIRE(f.recorded.size() == 2);
    CHECK(std::get<journal::TaskEvent>(f.recorded[0]).info == "⟪Doe^Jane is lost⟫");
    const auto task = nlohmann::json::parse(std::get<journal::TaskUpdated>(f.recorded[1]).task_json);
    CHECK(task.at("info").at("fail_reason") == "⟪Doe^Jane⟫");
    CHECK(task.at("dispatch").at("status").at("pacs").at("reason") == "⟪Doe^Jane⟫");
    REQUIRE(f.journal->write(f.recorded).ok());
    const auto told = nlohmann::json::parse(f.call("GET", "/query/task-events?task_id=t1").body);
    CHECK(told[0].at("info") == "Doe^Jane is lost");
}
