#include "http/api/patient_data.hpp"

#include "support/catch.hpp"

using namespace quicksilver::api;
using nlohmann::json;

TEST_CASE("Without the permission, only tags that are known to be harmless have values", "[http][api][phi]") {
    const json tags = json::parse(R"({"PatientName": "Doe^Jane", "PatientID": "4711", "PatientBirthDate": "19700101",
        "AccessionNumber": "A1", "ReferringPhysicianName": "House", "Modality": "CT", "SomethingNew": "Doe",
        "0010,1001": "Doe", "SeriesDescription": "Chest"})");
    CHECK(PatientData(true).tags(tags) == tags);
    const json shown = PatientData(false).tags(tags);
    CHECK(shown.dump() == R"({"0010,1001":null,"AccessionNumber":null,"Modality":"CT","PatientBirthDate":null,)"
                          R"("PatientID":null,"PatientName":null,"ReferringPhysicianName":null,)"
                          R"("SeriesDescription":"Chest","SomethingNew":null})");
    CHECK(PatientData(false).show("Doe").is_null());
    CHECK(PatientData(true).show("Doe") == "Doe");
}

TEST_CASE("A decision without values still tells which rules triggered and what they lacked", "[http][api][phi]") {
    const json decision = json::parse(R"({"triggered": ["a"], "rules": [{"rule": "a", "outcome": "failed",
        "value": "'Doe'", "repr": "'Doe'", "missing": ["X"], "error": {"code": "type", "message": "'Doe' is no number"},
        "explain": [{"from": 0, "to": 5, "value": "'Doe'", "truth": true}]}]})");
    const json shown = PatientData(false).decision(decision);
    CHECK(shown.dump().find("Doe") == std::string::npos);
    CHECK(shown["triggered"][0] == "a");
    CHECK(shown["rules"][0]["error"]["code"] == "type");
    CHECK(shown["rules"][0]["explain"][0]["truth"] == true);
    CHECK(PatientData(true).decision(decision) == decision);
}

TEST_CASE("Rules are tried on harmless tags alone, for an outcome would tell the others", "[http][api][phi]") {
    const json tags = json::parse(R"({"PatientName": "Doe", "Modality": "CT"})");
    CHECK(PatientData(false).known_tags(tags) == json::parse(R"({"Modality": "CT"})"));
    CHECK(PatientData(true).known_tags(tags) == tags);
}

TEST_CASE("Nobody sees the secrets of modules in a task", "[http][api][phi]") {
    for (const char* process : {R"([{"module_name": "m", "module_config": {"docker_tag": "x:1",
                                    "environment": "{\"TOKEN\": \"s3cret\"}", "docker_arguments": ""}}])",
                                R"({"module_name": "m", "module_config": {"docker_tag": "x:1",
                                    "docker_arguments": {"environment": ["s3cret"]}}})",
                                R"([{"module_name": "m", "settings": {"api_key": "s3cret", "shown": "x:1",
                                     "deep": [{"password": "s3cret"}]}}])",
                                R"([{"module_name": "m", "module_config": {"docker_tag": "x:1",
                                     "settings": {"mode": 1, "api_key": "s3cret"}}}])"}) {
        const json task{{"process", json::parse(process)}};
        for (const bool allowed : {false, true}) {
            const json shown = PatientData(allowed).task(task);
            CHECK(shown.dump().find("s3cret") == std::string::npos);
            CHECK(shown.dump().find("x:1") != std::string::npos);
        }
    }
}

TEST_CASE("A task without its patient keeps its targets", "[http][api][phi]") {
    const json task = json::parse(R"({"info": {"patient_name": "Doe", "mrn": "4711", "acc": "A1", "action": "route"},
        "process": [{"module_name": "m", "output": {"name": "Doe"}}], "dispatch": {"target_name": ["pacs"]}})");
    const json shown = PatientData(false).task(task);
    CHECK(shown.dump().find("Doe") == std::string::npos);
    CHECK(shown.dump().find("4711") == std::string::npos);
    CHECK(shown["dispatch"]["target_name"][0] == "pacs");
    CHECK(shown["info"]["patient_name"].is_null());
    CHECK(PatientData(false).task("no task") == "no task");
}

TEST_CASE("Of a task that a helper wrote only what is known to be harmless is shown", "[http][api][phi]") {
    const json task = json::parse(R"({"id": "t1", "tags": {"PatientName": "Doe"}, "nomad_info": {"name": "Doe"},
        "info": {"action": {"name": "Doe"}, "comment": "Doe", "uid": "1.2", "triggered_rules": {"chest": true}},
        "process": [{"module_name": "m", "settings": {"a": 1}, "log": "Doe"}, ["Doe"]],
        "dispatch": {"target_name": ["pacs", {"name": "Doe"}], "status": {"pacs": {"state": "error", "x": "Doe"}}},
        "study": {"study_uid": "1", "received_series": ["Chest"], "patient": "Doe"}})");
    const json shown = PatientData(false).task(task);
    CHECK(shown.dump().find("Doe") == std::string::npos);
    CHECK(shown == json::parse(R"({"id": "t1",
        "info": {"action": null, "uid": "1.2", "triggered_rules": {"chest": true}},
        "process": [{"module_name": "m", "settings": {"a": 1}}, null],
        "dispatch": {"target_name": ["pacs", null], "status": {"pacs": {"state": "error"}}},
        "study": {"study_uid": "1", "received_series": ["Chest"]}})"));
    CHECK(PatientData(true).task(task) == task);
}
