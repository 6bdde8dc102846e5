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

constexpr std::array<const char*, 3> patient_members_of_task = {"patient_name", "mrn", "acc"};

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
    // What a module found out may name the patient.
    for_each_step(shown, [](json& step) { step.erase("output"); });
    if (!shown.contains("info") || !shown["info"].is_object()) return shown;
    for (const char* member : patient_members_of_task) {
        if (shown["info"].contains(member)) shown["info"][member] = nullptr;
    }
    return shown;
}

}  // namespace quicksilver::api
