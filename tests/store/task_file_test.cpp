#include "quicksilver/store/task_file.hpp"

#include "support/catch.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using State = DispatchStatus::State;

namespace {

/// As mercure 0.4.1 writes one for a series with two targets.
const nlohmann::ordered_json mercure_task = nlohmann::ordered_json::parse(R"({
 "info": {"action": "both", "uid": "1.2.3", "uid_type": "series", "triggered_rules": {"zeta": true, "alpha": true},
   "applied_rule": "zeta", "patient_name": "DOE^JANE", "mrn": "123", "acc": "A1", "sender_address": "10.0.0.1",
   "mercure_version": "0.4.1", "mercure_appliance": "master", "mercure_server": "host",
   "device_serial_number": null, "fail_stage": null, "sender_aet": "CT", "receiver_aet": "MERCURE"},
 "id": "5c2c6d1e-0000-11ef-8000-000000000000",
 "dispatch": {"target_name": ["pacs", "research"],
   "status": {"pacs": {"state": "complete", "time": "2026-07-01 10:00:00"},
              "research": {"state": "waiting", "time": "2026-07-01 10:00:00"}},
   "retries": null, "next_retry_at": null, "series_uid": null},
 "process": {"module_name": "m", "module_config": {"docker_tag": "x:1"}, "settings": {"a": 1},
   "retain_input_images": false, "output": null},
 "study": {},
 "nomad_info": null
})");

TaskFile parse(const nlohmann::ordered_json& document) {
    auto task = parse_task_file(document.dump());
    if (!task) FAIL(task.error().message);
    return *task;
}

std::string why_not(const nlohmann::ordered_json& document) {
    const auto task = parse_task_file(document.dump());
    return task ? "" : task.error().message;
}

nlohmann::ordered_json written(const TaskFile& task) {
    return nlohmann::ordered_json::parse(to_json_text(task));
}

Tags tags(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

}  // namespace

TEST_CASE("mercure's task.json is read and written back as it was", "[store]") {
    const TaskFile task = parse(mercure_task);
    CHECK(task.info.triggered_rules == std::vector<std::string>{"zeta", "alpha"});
    CHECK(task.dispatch->targets == std::vector<std::string>{"pacs", "research"});
    CHECK(task.dispatch->status.at("pacs").state == State::complete);
    CHECK(task.process.size() == 1);
    CHECK_FALSE(task.study);
    CHECK(to_json_text(task) == mercure_task.dump(4));
}

TEST_CASE("Empty parts stay empty objects", "[store]") {
    auto document = mercure_task;
    document["dispatch"] = nlohmann::ordered_json::object();
    document["process"] = nlohmann::ordered_json::object();
    const auto again = written(parse(document));
    CHECK(again["dispatch"] == nlohmann::ordered_json::object());
    CHECK(again["process"] == nlohmann::ordered_json::object());
    CHECK(again["study"] == nlohmann::ordered_json::object());
}

TEST_CASE("A study with its series goes there and back", "[store]") {
    auto document = mercure_task;
    document["info"]["uid_type"] = "study";
    document["study"] = nlohmann::ordered_json::parse(R"({
        "study_uid": "1.2", "complete_trigger": "received_series", "complete_required_series": "'a' and 'b'",
        "creation_time": "2026-07-01 10:00:00", "last_receive_time": "2026-07-01 10:01:00",
        "received_series": ["a"], "received_series_uid": ["1.2.3"], "complete_force": true,
        "complete_force_action": "proceed"})");
    CHECK(written(parse(document)) == document);
}

TEST_CASE("A chain of modules is a list, also of one", "[store]") {
    auto document = mercure_task;
    const auto step = document["process"];
    for (const std::size_t count : {1U, 2U, 3U}) {
        document["process"] = nlohmann::ordered_json::array();
        for (std::size_t i = 0; i < count; ++i) document["process"].push_back(step);
        CHECK(parse(document).process.size() == count);
        CHECK(written(parse(document)) == document);
    }
}

TEST_CASE("Unknown fields are kept where mercure's reader tolerates them, and dropped where it does not", "[store]") {
    auto document = mercure_task;
    document["info"]["hospital"] = "St. Mary";
    document["dispatch"]["note"] = {{"a", 1}};
    document["process"]["note"] = "x";
    document["extra"] = true;
    const auto again = written(parse(document));
    CHECK(again["info"]["hospital"] == "St. Mary");
    CHECK(again["dispatch"]["note"] == nlohmann::ordered_json{{"a", 1}});
    CHECK(again["process"]["note"] == "x");
    CHECK_FALSE(again.contains("extra"));
}

TEST_CASE("A target name may be a plain text", "[store]") {
    auto document = mercure_task;
    document["dispatch"]["target_name"] = "pacs";
    document["dispatch"]["status"].erase("research");
    const TaskFile task = parse(document);
    CHECK(task.dispatch->targets == std::vector<std::string>{"pacs"});
    CHECK(task.dispatch->status.at("pacs").state == State::complete);
    CHECK(written(task)["dispatch"]["target_name"] == nlohmann::ordered_json::array({"pacs"}));
}

TEST_CASE("A malformed or incomplete dispatch status means that every target waits", "[store]") {
    const char* status =
        GENERATE(R"({})", R"(null)", R"([])", R"("x")", R"({"pacs": {"state": "complete", "time": "t"}})",
                 R"({"pacs": {"state": "complete", "time": "t"}, "research": {"state": "done", "time": "t"}})",
                 R"({"pacs": {"state": "complete", "time": "t"}, "research": {"state": "complete"}})",
                 R"({"pacs": {"state": "complete", "time": 5}, "research": {"state": "complete", "time": "t"}})",
                 R"({"pacs": "complete", "research": "complete"})",
                 R"({"pacs": {"state": "complete", "time": "t"}, "research": {"state": "complete", "time": "t"},
            "third": {"state": "complete", "time": "t"}})");
    auto document = mercure_task;
    document["dispatch"]["status"] = nlohmann::ordered_json::parse(status);
    INFO(status);
    const TaskFile task = parse(document);
    REQUIRE(task.dispatch->status.size() == 2);
    CHECK(task.dispatch->status.at("pacs").state == State::waiting);
    CHECK(task.dispatch->status.at("research").state == State::waiting);
}

TEST_CASE("A status of other targets leaves those that are wanted waiting", "[store]") {
    auto document = mercure_task;
    document["dispatch"]["status"] = nlohmann::ordered_json::parse(
        R"({"pacs": {"state": "complete", "time": "t"}, "renamed": {"state": "complete", "time": "t"}})");
    const TaskFile task = parse(document);
    CHECK(task.dispatch->status.at("pacs").state == State::complete);
    CHECK(task.dispatch->status.at("research").state == State::waiting);
    CHECK(task.dispatch->status.size() == 2);
}

TEST_CASE("Retries and the time of the next one go there and back", "[store]") {
    auto document = mercure_task;
    document["dispatch"]["retries"] = 3;
    document["dispatch"]["next_retry_at"] = 1790000000.25;
    document["dispatch"]["series_uid"] = "1.2.3";
    const TaskFile task = parse(document);
    CHECK(task.dispatch->retries == 3);
    CHECK(task.dispatch->next_retry_at == 1790000000.25);
    CHECK(written(task) == document);
}

TEST_CASE("What each target has been through goes there and back, where mercure tolerates it", "[store]") {
    TaskFile task = parse(mercure_task);
    DispatchStatus& status = task.dispatch->status.at("research");
    status.state = State::error;
    status.attempts = 3;
    status.next_retry_at = 1790000000.5;
    status.reason = "nobody there";
    status.via = "backup";
    const TaskFile again = parse_task_file(to_json_text(task)).value();
    CHECK(again.dispatch->status.at("research").attempts == 3);
    CHECK(again.dispatch->status.at("research").next_retry_at == 1790000000.5);
    CHECK(again.dispatch->status.at("research").reason == "nobody there");
    CHECK(again.dispatch->status.at("research").via == "backup");
    const auto written = nlohmann::json::parse(to_json_text(again));
    CHECK(written["dispatch"]["status"]["pacs"].size() == 2);  // nothing of ours where there is nothing to say
}

TEST_CASE("Fields of ours with another type than ours are somebody else's", "[store]") {
    auto document = mercure_task;
    auto& status = document["dispatch"]["status"]["research"];
    status["attempts"] = "many";
    status["next_retry_at"] = nullptr;
    status["reason"] = 7;
    status["via"] = nlohmann::json::array();
    const TaskFile task = parse(document);
    CHECK(task.dispatch->status.at("research").attempts == 0);
    CHECK_FALSE(task.dispatch->status.at("research").next_retry_at.has_value());
    CHECK(task.dispatch->status.at("pacs").state == State::complete);
}

TEST_CASE("An output that mercure would refuse is wrapped into an object", "[store]") {
    TaskFile task = parse(mercure_task);
    task.process[0].output = nlohmann::ordered_json::array({1, 2});
    CHECK(written(task)["process"]["output"] == nlohmann::ordered_json::parse(R"({"result": [1, 2]})"));
}

TEST_CASE("Values of the wrong type that mercure coerces are read", "[store]") {
    auto document = mercure_task;
    document["info"]["mrn"] = 123;
    document["info"]["triggered_rules"] = "alpha";
    document["process"]["retain_input_images"] = "True";
    const TaskFile task = parse(document);
    CHECK(task.info.mrn == "123");
    CHECK(task.info.triggered_rules == std::vector<std::string>{"alpha"});
    CHECK(task.process[0].retain_input_images);
}

TEST_CASE("What cannot be read is an error with the field's path", "[store]") {
    struct Case {
        const char* pointer;
        const char* value;
        const char* message;
    };
    const auto bad =
        GENERATE(Case{"/info", "null", "info is missing"}, Case{"/info", "[]", "info must be an object"},
                 Case{"/id", "null", "id is missing"}, Case{"/id", "{}", "id must be text"},
                 Case{"/info/uid", "null", "info.uid is missing"},
                 Case{"/info/action", "\"move\"",
                      "info.action: \"move\" is not one of route, both, process, discard, notification"},
                 Case{"/info/uid_type", "\"patient\"", "info.uid_type: \"patient\" is not one of series, study"},
                 Case{"/info/fail_stage", "\"LUNCH\"", "info.fail_stage: \"LUNCH\" is not one of"},
                 Case{"/dispatch", "5", "dispatch must be an object"},
                 Case{"/dispatch/target_name", "null", "dispatch.target_name is missing"},
                 Case{"/dispatch/retries", "\"x\"", "dispatch.retries must be a number"},
                 Case{"/process", "\"x\"", "process must be an object"}, Case{"/process", "[{}]", "process[0] "},
                 Case{"/process/settings", "[]", "process.settings must be an object"},
                 Case{"/study", R"({"creation_time": "x"})", "study.study_uid is missing"});
    auto document = mercure_task;
    document[nlohmann::ordered_json::json_pointer(bad.pointer)] = nlohmann::ordered_json::parse(bad.value);
    INFO(bad.pointer << " = " << bad.value);
    const std::string message = why_not(document);
    INFO(message);
    if (std::string(bad.message) == "process[0] ") {
        CHECK(message == "task.json: process[0].module_name is missing");
    } else {
        CHECK(message.find(bad.message) != std::string::npos);
    }
}

TEST_CASE("Text that is no JSON is an error, never an exception", "[store]") {
    for (const char* text : {"", "{", "null", "[]", "\"x\"", "{\"info\": {}}", "\xff\xfe"}) {
        INFO(text);
        const auto task = parse_task_file(text);
        REQUIRE_FALSE(task.ok());
        CHECK(task.error().code == Errc::invalid);
        CHECK(task.error().message.starts_with("task.json"));
    }
}

TEST_CASE("The file is written durably and read from its folder", "[store]") {
    TemporaryFolder folder;
    const auto ops = make_file_ops();
    CHECK(read_task_file(folder.path()).error().code == Errc::not_found);
    REQUIRE(write_task_file(*ops, folder.path(), parse(mercure_task)));
    CHECK(read_task_file(folder.path())->id == mercure_task["id"]);
    write_file(folder / "task.json", "{");
    const auto broken = read_task_file(folder.path());
    REQUIRE_FALSE(broken.ok());
    CHECK(broken.error().message.starts_with(folder.path().string()));
}

TEST_CASE("Names that are not ASCII, or not even UTF-8, do not spoil the file", "[store]") {
    TaskFile task = parse(mercure_task);
    task.info.patient_name = "M\xc3\xbcller^\xff";
    const std::string text = to_json_text(task);
    CHECK(std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
    CHECK(text.find("M\\u00fcller^\\ufffd") != std::string::npos);
}

TEST_CASE("Info from tags says MISSING for an absent tag and keeps an empty one", "[store]") {
    const ServerIdentity server{"1.0", "master", "host"};
    const TaskInfo info = make_task_info(tags({{"PatientID", ""}, {"PatientName", "DOE"}, {"SenderAET", "CT"}}),
                                         "1.2.3", "series", server);
    CHECK(info.patient_name == "DOE");
    CHECK(info.mrn.empty());
    CHECK(info.acc == "MISSING");
    CHECK(info.sender_aet == "CT");
    CHECK(info.receiver_aet == "MISSING");
    CHECK(info.sender_address == "MISSING");
    CHECK_FALSE(info.device_serial_number);
    CHECK(info.mercure_server == "host");
    CHECK(info.action == "route");
    CHECK(make_task_info(tags({{"DeviceSerialNumber", ""}}), "1", "series", server).device_serial_number == "");
}

TEST_CASE("A new dispatch part has every target waiting since now", "[store]") {
    const ManualClock clock;
    const TaskDispatch dispatch = make_task_dispatch({"b", "a"}, clock.wall_now());
    CHECK(dispatch.targets == std::vector<std::string>{"b", "a"});
    CHECK(dispatch.status.at("a").state == State::waiting);
    CHECK(dispatch.status.at("a").time == local_timestamp(clock.wall_now()));
}

TEST_CASE("A study remembers the series that came, and marks those without a description", "[store]") {
    ManualClock clock;
    TaskStudy study =
        make_task_study(tags({{"SeriesDescription", "T1"}, {"SeriesInstanceUID", "1"}}), "9", clock.wall_now());
    const std::string created = study.creation_time;
    clock.advance(std::chrono::minutes(1));
    add_series(study, tags({}), clock.wall_now());
    CHECK(study.received_series == std::vector<std::string>{"T1", "#@INVALID@#"});
    CHECK(study.received_series_uid == std::vector<std::string>{"1", "#@INVALID@#"});
    CHECK(study.creation_time == created);
    CHECK(study.last_receive_time == local_timestamp(clock.wall_now()));
}
