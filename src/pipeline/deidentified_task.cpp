#include "quicksilver/pipeline/deidentified_task.hpp"

#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <algorithm>
#include <utility>

namespace quicksilver {

namespace {

bool deidentifies(const TaskProcess& process, const Config& config) {
    if (process.module_config.is_object()) return runner_name(process.module_config, config) == deidentify_step;
    const ModuleConfig* module = config.find_module(process.module_name);
    return module != nullptr && runner_name(module->settings, config) == deidentify_step;
}

std::string value_or_missing(const Tags& tags, std::string_view key) {
    const std::string* value = tags.find(key);
    return value != nullptr ? *value : "MISSING";
}

}  // namespace

std::optional<std::size_t> deidentifying_step(const TaskFile& task, const Config& config, std::size_t end) {
    for (std::size_t at = std::min(end, task.process.size()); at > 0; --at) {
        if (deidentifies(task.process[at - 1], config)) return at - 1;
    }
    return std::nullopt;
}

TaskFile deidentified(TaskFile task, std::size_t step, const Tags& now) {
    TaskInfo& info = task.info;
    info.patient_name = value_or_missing(now, "PatientName");
    info.mrn = value_or_missing(now, "PatientID");
    info.acc = value_or_missing(now, "AccessionNumber");
    info.uid = now.get(info.uid_type == "study" ? "StudyInstanceUID" : "SeriesInstanceUID");
    info.sender_address = info.sender_aet = info.receiver_aet = "MISSING";
    info.device_serial_number.reset();
    info.extra = nullptr;
    if (task.dispatch && task.dispatch->series_uid) task.dispatch->series_uid = now.get("SeriesInstanceUID");
    if (task.study) {
        task.study->study_uid = now.get("StudyInstanceUID");
        task.study->received_series.clear();
        task.study->received_series_uid.clear();
        task.study->creation_time = task.study->last_receive_time = "";
        task.study->creation_utc = task.study->last_receive_utc = task.study->extended_utc = "";
        task.study->extra = nullptr;
    }
    for (std::size_t at = 0; at <= step && at < task.process.size(); ++at) task.process[at].output = nullptr;
    return task;
}

TaskFile deidentified(TaskFile task, std::size_t step, const std::filesystem::path& folder) {
    const auto instances = TaskFolders::instances(folder);
    if (!instances || instances->empty()) return deidentified(std::move(task), step, Tags());
    const auto tags = dicom::read_tags(instances->front());
    return deidentified(std::move(task), step, tags ? *tags : Tags());
}

}  // namespace quicksilver
