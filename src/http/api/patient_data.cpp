#include "patient_data.hpp"

#include "quicksilver/core/config_report.hpp"
#include "quicksilver/dicom/dictionary.hpp"

#include <algorithm>
#include <array>
#include <functional>

namespace quicksilver::api {

using nlohmann::json;

namespace {

/// Of the tags that rules see without configuration; whatever else somebody adds may be anything.
constexpr std::array<std::string_view, 34> harmless = {"AcquisitionDate",
                                                       "AcquisitionTime",
                                                       "BodyPartExamined",
                                                       "CodeMeaning",
                                                       "CodeValue",
                                                       "ContrastBolusAgent",
                                                       "DeviceSerialNumber",
                                                       "ImageType",
                                                       "MagneticFieldStrength",
                                                       "Manufacturer",
                                                       "ManufacturerModelName",
                                                       "Modality",
                                                       "NumberOfFrames",
                                                       "ProtocolName",
                                                       "ReceiverAET",
                                                       "ScanningSequence",
                                                       "SenderAET",
                                                       "SenderAddress",
                                                       "SequenceName",
                                                       "SequenceVariant",
                                                       "SeriesDate",
                                                       "SeriesDescription",
                                                       "SeriesInstanceUID",
                                                       "SeriesNumber",
                                                       "SeriesTime",
                                                       "SliceThickness",
                                                       "SOPClassUID",
                                                       "SoftwareVersions",
                                                       "StationName",
                                                       "StudyDate",
                                                       "StudyDescription",
                                                       "StudyInstanceUID",
                                                       "StudyTime",
                                                       "mercureForceRule"};

/// What of a task.json tells nothing of the patient; a helper may have put in whatever it likes. `true`: a text, number
/// or list of them; "any": our own configuration; null: shown as null; "*": members of any name.
const json& harmless_task() {
    static const json shape = json::parse(R"({
        "id": true,
        "info": {"action": true, "uid": true, "uid_type": true, "triggered_rules": {"*": true}, "applied_rule": true,
                 "patient_name": null, "mrn": null, "acc": null, "sender_address": true, "mercure_version": true,
                 "mercure_appliance": true, "mercure_server": true, "device_serial_number": true, "fail_stage": true,
                 "fail_reason": true, "sender_aet": true, "receiver_aet": true},
        "dispatch": {"target_name": true, "retries": true, "next_retry_at": true, "series_uid": true,
                     "status": {"*": {"state": true, "time": true, "attempts": true, "next_retry_at": true,
                                      "reason": true, "via": true, "committed": true}}},
        "process": {"module_name": true, "module_config": "any", "settings": "any", "retain_input_images": true},
        "study": {"study_uid": true, "complete_trigger": true, "complete_required_series": true,
                  "creation_time": true, "last_receive_time": true, "creation_utc": true, "last_receive_utc": true,
                  "extended_utc": true, "received_series": true, "received_series_uid": true,
                  "complete_force": true, "complete_force_action": true}
    })");
    return shape;
}

/// What of `value` the shape knows.
json part_of(const json& value, const json& shape) {
    if (shape.is_null()) return nullptr;
    if (shape.is_string()) return value;
    if (value.is_array()) {
        json parts = json::array();
        for (const json& item : value) parts.push_back(item.is_array() ? json() : part_of(item, shape));
        return parts;
    }
    if (!shape.is_object()) return value.is_primitive() ? value : json();
    if (!value.is_object()) return nullptr;
    json part = json::object();
    for (const auto& [key, member] : value.items()) {
        const auto known = shape.contains(key) ? shape.find(key) : shape.find("*");
        if (known != shape.end()) part[key] = part_of(member, *known);
    }
    return part;
}

/// Values of tags stand in what an expression was worth, and in the words of its errors.
void mask_values(json& part) {
    if (part.is_array()) {
        for (json& item : part) mask_values(item);
    }
    if (!part.is_object()) return;
    for (auto& [key, value] : part.items()) {
        if (key == "value" || key == "repr" || key == "message" || key == "warnings") {
            value = nullptr;
        } else {
            mask_values(value);
        }
    }
}

void for_each_step(json& task, const std::function<void(json&)>& work) {
    if (!task.contains("process")) return;
    json& process = task["process"];
    if (process.is_object()) work(process);
    if (!process.is_array()) return;
    for (json& step : process) {
        if (step.is_object()) work(step);
    }
}

/// As /modules shows the configuration of a module.
json masked_module(const json& config) {
    nlohmann::ordered_json document;
    document["modules"]["of the step"] = config;
    return masked_config(document)["modules"]["of the step"];
}

/// A step has the configuration of its module with it, and the settings of module and rule, passwords included.
void hide_secrets(json& step) {
    if (step.contains("settings")) step["settings"] = masked_module({{"settings", step["settings"]}})["settings"];
    if (!step.contains("module_config") || !step["module_config"].is_object()) return;
    json config = masked_module(step["module_config"]);
    for (const char* member : {"environment", "docker_arguments"}) {
        if (config.contains(member) && !config[member].empty()) config[member] = "********";
    }
    step["module_config"] = std::move(config);
}

}  // namespace

bool is_harmless_tag(std::string_view keyword) {
    return std::ranges::find(harmless, keyword) != harmless.end();
}

json PatientData::show(const std::string& value) const {
    return allowed_ ? json(value) : json();
}

json PatientData::tags(const json& tags) const {
    if (allowed_ || !tags.is_object()) return tags;
    json shown = json::object();
    for (const auto& [key, value] : tags.items()) shown[key] = is_harmless_tag(key) ? value : json();
    return shown;
}

json PatientData::data_set(const json& data_set) const {
    if (allowed_ || !data_set.is_object()) return data_set;
    json shown = json::object();
    for (const auto& [key, element] : data_set.items()) {
        const bool harmless_element = is_harmless_tag(dicom::keyword_of(key));
        shown[key] = harmless_element ? element : json{{"vr", element.value("vr", "UN")}};
    }
    return shown;
}

json PatientData::decision(const json& decision) const {
    if (allowed_) return decision;
    json shown = decision;
    mask_values(shown);
    return shown;
}

json PatientData::known_tags(const json& tags) const {
    if (allowed_ || !tags.is_object()) return tags;
    json known = json::object();
    for (const auto& [key, value] : tags.items()) {
        if (is_harmless_tag(key)) known[key] = value;
    }
    return known;
}

json PatientData::task(const json& task) const {
    if (!task.is_object()) return task;
    json shown = task;
    for_each_step(shown, hide_secrets);
    if (allowed_) return shown;
    return part_of(shown, harmless_task());
}

}  // namespace quicksilver::api
