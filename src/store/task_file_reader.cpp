#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned depth_max = 512;  // results of modules have half of it

/// Thrown and caught in this file only: a field that cannot be read, with its path.
struct BadField : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One object of the file. Remembers which fields were read; the others are `extra`.
class ObjectReader {
public:
    ObjectReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
        if (!object.is_object()) throw BadField(fmt::format("{} must be an object", path_));
    }

    /// Null when absent or null.
    const Json* find(const char* key) {
        known_.emplace_back(key);
        const auto found = object_.find(key);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }

    const Json& require(const char* key) {
        if (const Json* value = find(key)) return *value;
        throw BadField(fmt::format("{} is missing", name(key)));
    }

    /// Numbers count as text, as they do for mercure.
    std::string text(const char* key, const Json& value) const {
        if (value.is_string()) return value.get<std::string>();
        if (value.is_number()) return value.dump();
        throw BadField(fmt::format("{} must be text", name(key)));
    }
    std::string text_or(const char* key, std::string fallback) {
        const Json* value = find(key);
        return value == nullptr ? fallback : text(key, *value);
    }
    std::optional<std::string> optional_text(const char* key) {
        const Json* value = find(key);
        if (value == nullptr) return std::nullopt;
        return text(key, *value);
    }

    template <std::size_t Count>
    std::string one_of(const char* key, const std::array<std::string_view, Count>& choices, std::string_view fallback) {
        const std::string value = text_or(key, std::string(fallback));
        if (std::find(choices.begin(), choices.end(), value) != choices.end()) return value;
        throw BadField(fmt::format("{}: \"{}\" is not one of {}", name(key), value, fmt::join(choices, ", ")));
    }

    bool flag(const char* key) {
        const Json* value = find(key);
        if (value == nullptr) return false;
        if (value->is_boolean()) return value->get<bool>();
        if (value->is_number_integer()) return value->get<int>() != 0;
        if (*value == "true" || *value == "True") return true;
        if (*value == "false" || *value == "False") return false;
        throw BadField(fmt::format("{} must be true or false", name(key)));
    }

    std::optional<double> number(const char* key) {
        const Json* value = find(key);
        if (value == nullptr) return std::nullopt;
        if (value->is_number()) return value->get<double>();
        throw BadField(fmt::format("{} must be a number", name(key)));
    }

    /// A list of texts; a plain text is a list of one.
    std::vector<std::string> texts(const char* key) {
        const Json* value = find(key);
        if (value == nullptr) return {};
        if (value->is_string()) return {value->get<std::string>()};
        if (!value->is_array()) throw BadField(fmt::format("{} must be a list", name(key)));
        std::vector<std::string> texts;
        for (const Json& item : *value) texts.push_back(text(key, item));
        return texts;
    }

    Json object_or_empty(const char* key) {
        const Json* value = find(key);
        if (value == nullptr) return Json::object();
        if (!value->is_object()) throw BadField(fmt::format("{} must be an object", name(key)));
        return *value;
    }

    Json anything(const char* key) {
        const Json* value = find(key);
        return value == nullptr ? Json() : *value;
    }

    Json extra() const {
        Json rest;
        for (const auto& [key, value] : object_.items()) {
            if (std::find(known_.begin(), known_.end(), key) == known_.end()) rest[key] = value;
        }
        return rest;
    }

    std::string name(const char* key) const { return path_.empty() ? key : fmt::format("{}.{}", path_, key); }

private:
    const Json& object_;
    std::string path_;
    std::vector<std::string> known_;
};

constexpr std::array<std::string_view, 5> actions = {"route", "both", "process", "discard", "notification"};
constexpr std::array<std::string_view, 2> uid_types = {"series", "study"};
constexpr std::array<std::string_view, 3> fail_stages = {"DISPATCHING", "PROCESSING", "ROUTING"};

/// mercure: an object of rule → true, or a plain text.
std::vector<std::string> read_triggered_rules(ObjectReader& reader) {
    const Json* value = reader.find("triggered_rules");
    if (value == nullptr) return {};
    if (!value->is_object()) return reader.texts("triggered_rules");
    std::vector<std::string> rules;
    for (const auto& [rule, ignored] : value->items()) rules.push_back(rule);
    return rules;
}

std::optional<FailStage> read_fail_stage(ObjectReader& reader) {
    if (reader.find("fail_stage") == nullptr) return std::nullopt;
    const std::string name = reader.one_of("fail_stage", fail_stages, "");
    if (name == "DISPATCHING") return FailStage::dispatching;
    return name == "PROCESSING" ? FailStage::processing : FailStage::routing;
}

TaskInfo read_info(const Json& object) {
    ObjectReader reader(object, "info");
    TaskInfo info;
    info.action = reader.one_of("action", actions, "");
    info.uid = reader.text("uid", reader.require("uid"));
    info.uid_type = reader.one_of("uid_type", uid_types, "");
    info.triggered_rules = read_triggered_rules(reader);
    info.applied_rule = reader.text_or("applied_rule", "");
    info.patient_name = reader.text_or("patient_name", "");
    info.mrn = reader.text_or("mrn", "");
    info.acc = reader.text_or("acc", "");
    info.sender_address = reader.text_or("sender_address", "MISSING");
    info.mercure_version = reader.text_or("mercure_version", "");
    info.mercure_appliance = reader.text_or("mercure_appliance", "");
    info.mercure_server = reader.text_or("mercure_server", "");
    info.device_serial_number = reader.optional_text("device_serial_number");
    info.fail_stage = read_fail_stage(reader);
    info.fail_reason = reader.optional_text("fail_reason");
    info.sender_aet = reader.text_or("sender_aet", "MISSING");
    info.receiver_aet = reader.text_or("receiver_aet", "MISSING");
    info.extra = reader.extra();
    return info;
}

/// What mercure does not have; of another type than ours, it is somebody else's.
void read_own_fields(const Json& value, DispatchStatus& status) {
    const auto member = [&value](const char* key) -> const Json& {
        static const Json none;
        const auto found = value.find(key);
        return found == value.end() ? none : *found;
    };
    if (const Json& attempts = member("attempts"); attempts.is_number()) {
        status.attempts = static_cast<int>(std::clamp(attempts.get<double>(), 0.0, 1e9));
    }
    if (const Json& next = member("next_retry_at"); next.is_number()) status.next_retry_at = next.get<double>();
    if (const Json& reason = member("reason"); reason.is_string()) status.reason = reason.get<std::string>();
    if (const Json& via = member("via"); via.is_string()) status.via = via.get<std::string>();
    if (const Json& committed = member("committed"); committed.is_boolean()) status.committed = committed.get<bool>();
}

std::optional<DispatchStatus> read_target_status(const Json& value) {
    if (!value.is_object()) return std::nullopt;
    const auto state = value.find("state");
    const auto time = value.find("time");
    if (state == value.end() || time == value.end() || !time->is_string()) return std::nullopt;
    DispatchStatus status;
    status.time = time->get<std::string>();
    if (*state == "complete") {
        status.state = DispatchStatus::State::complete;
    } else if (*state == "error") {
        status.state = DispatchStatus::State::error;
    } else if (*state != "waiting") {
        return std::nullopt;
    }
    read_own_fields(value, status);
    return status;
}

/// One status for each target. A malformed one, or one for another number of targets, means that all wait (contract
/// §3.1): sending twice is safe, not sending is not.
std::map<std::string, DispatchStatus> read_status(const Json* value, const std::vector<std::string>& targets) {
    std::map<std::string, DispatchStatus> waiting;
    for (const std::string& target : targets) waiting.emplace(target, DispatchStatus{});
    if (value == nullptr || !value->is_object() || value->size() != targets.size()) return waiting;

    std::map<std::string, DispatchStatus> known = waiting;
    for (const auto& [target, entry] : value->items()) {
        auto status = read_target_status(entry);
        if (!status) return waiting;
        if (const auto found = known.find(target); found != known.end()) found->second = std::move(*status);
    }
    return known;
}

std::optional<TaskDispatch> read_dispatch(const Json* object) {
    if (object == nullptr || object->empty()) return std::nullopt;
    ObjectReader reader(*object, "dispatch");
    TaskDispatch dispatch;
    reader.require("target_name");
    dispatch.targets = reader.texts("target_name");
    dispatch.status = read_status(reader.find("status"), dispatch.targets);
    dispatch.retries = static_cast<int>(std::clamp(reader.number("retries").value_or(0), 0.0, 1e9));
    dispatch.next_retry_at = reader.number("next_retry_at");
    if (dispatch.next_retry_at == 0.0) dispatch.next_retry_at.reset();
    dispatch.series_uid = reader.optional_text("series_uid");
    dispatch.extra = reader.extra();
    return dispatch;
}

TaskProcess read_process_step(const Json& object, std::string path) {
    ObjectReader reader(object, std::move(path));
    TaskProcess step;
    step.module_name = reader.text("module_name", reader.require("module_name"));
    step.module_config = reader.anything("module_config");
    step.settings = reader.object_or_empty("settings");
    step.retain_input_images = reader.flag("retain_input_images");
    step.output = reader.anything("output");
    step.extra = reader.extra();
    return step;
}

void read_process(const Json* value, TaskFile& task) {
    if (value == nullptr || value->empty()) return;
    task.process_is_list = value->is_array();
    if (!task.process_is_list) {
        task.process.push_back(read_process_step(*value, "process"));
        return;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
        task.process.push_back(read_process_step((*value)[i], fmt::format("process[{}]", i)));
    }
}

std::optional<TaskStudy> read_study(const Json* object) {
    if (object == nullptr || object->empty()) return std::nullopt;
    ObjectReader reader(*object, "study");
    TaskStudy study;
    study.study_uid = reader.text("study_uid", reader.require("study_uid"));
    study.complete_trigger = reader.text_or("complete_trigger", "");
    study.complete_required_series = reader.text_or("complete_required_series", "");
    study.creation_time = reader.text_or("creation_time", "");
    study.last_receive_time = reader.text_or("last_receive_time", "");
    study.creation_utc = reader.text_or("creation_utc", "");
    study.last_receive_utc = reader.text_or("last_receive_utc", "");
    study.extended_utc = reader.text_or("extended_utc", "");
    study.received_series = reader.texts("received_series");
    study.received_series_uid = reader.texts("received_series_uid");
    study.complete_force = reader.flag("complete_force");
    study.complete_force_action = reader.text_or("complete_force_action", "");
    study.extra = reader.extra();
    return study;
}

}  // namespace

Result<TaskFile> parse_task_file(std::string_view text) {
    try {
        if (json_depth(text) > depth_max) throw BadField(fmt::format("it is nested more than {} deep", depth_max));
        const Json document = Json::parse(text);
        ObjectReader reader(document, "");
        TaskFile task;
        task.info = read_info(reader.require("info"));
        task.id = reader.text("id", reader.require("id"));
        task.dispatch = read_dispatch(reader.find("dispatch"));
        read_process(reader.find("process"), task);
        task.study = read_study(reader.find("study"));
        task.nomad_info = reader.anything("nomad_info");
        return task;
    } catch (const BadField& bad) {
        return Error{Errc::invalid, fmt::format("task.json: {}", bad.what())};
    } catch (const nlohmann::json::exception& bad) {
        return Error{Errc::invalid, fmt::format("task.json is not valid JSON: {}", bad.what())};
    }
}

Result<TaskFile> read_task_file(const std::filesystem::path& folder) {
    const auto text = read_text_file(folder / TaskFile::file_name, TaskFile::bytes_max);
    if (!text) return text.error();
    auto task = parse_task_file(*text);
    if (!task) return Error{task.error().code, fmt::format("{}: {}", folder.string(), task.error().message)};
    return task;
}

}  // namespace quicksilver
