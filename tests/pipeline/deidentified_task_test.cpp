#include "quicksilver/pipeline/deidentified_task.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

TaskProcess step(const char* name, const char* runner) {
    TaskProcess process;
    process.module_name = name;
    process.module_config = {{"runner", runner}};
    process.output = {{"found", "Erika"}};
    return process;
}

}  // namespace

TEST_CASE("The step that de-identifies is found among those that have been", "[processing][deidentify]") {
    TaskFile task;
    task.process = {step("a", "docker"), step("b", "deidentify"), step("c", "")};
    const Config config;
    CHECK(deidentifying_step(task, config, 1) == std::nullopt);
    CHECK(deidentifying_step(task, config, 2) == 1U);
    CHECK(deidentifying_step(task, config, 3) == 1U);
    CHECK(deidentifying_step(task, config, 99) == 1U);
}

TEST_CASE("A task of de-identified images names nobody", "[processing][deidentify]") {
    TaskFile task;
    task.id = "task";
    task.info.uid_type = GENERATE("series", "study");
    task.info.uid = "1.2.826.1";
    task.info.patient_name = "Mustermann^Erika";
    task.info.mrn = "PID-471108";
    task.info.acc = "ACC-1";
    task.info.sender_address = "10.9.8.7";
    task.info.sender_aet = "CT-ROOM";
    task.info.device_serial_number = "SN-5555";
    task.info.extra = {{"note", "Erika"}};
    task.dispatch.emplace();
    task.dispatch->series_uid = "1.2.826.1";
    task.study.emplace();
    task.study->study_uid = "1.2.826.1";
    task.study->received_series = {"Head of Erika"};
    task.study->received_series_uid = {"1.2.826.1"};
    task.process = {step("a", "docker"), step("b", "deidentify"), step("c", "")};
    task.process[2].output = {{"found", "later"}};
    Tags now;
    now.add("PatientName", "ANON-X");
    now.add("PatientID", "ANON-X");
    now.add("AccessionNumber", "");
    now.add("SeriesInstanceUID", "2.25.1");
    now.add("StudyInstanceUID", "2.25.2");
    const TaskFile shown = deidentified(task, 1, now);
    CHECK(shown.info.mrn == "ANON-X");
    CHECK(shown.info.uid == (task.info.uid_type == "study" ? "2.25.2" : "2.25.1"));
    CHECK(shown.process[2].output == nlohmann::ordered_json{{"found", "later"}});
    const std::string text = to_json_text(shown);
    for (const char* gone :
         {"Mustermann", "Erika", "PID-471108", "ACC-1", "10.9.8.7", "CT-ROOM", "SN-5555", "1.2.826"}) {
        CAPTURE(gone);
        CHECK(text.find(gone) == std::string::npos);
    }
}
