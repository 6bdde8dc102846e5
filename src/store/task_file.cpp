#include "quicksilver/store/task_file.hpp"

#include "quicksilver/store/durable_file.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

/// What mercure writes for an absent tag.
constexpr const char* missing = "MISSING";
/// What mercure writes into the lists of a study for an absent tag.
constexpr const char* invalid = "#@INVALID@#";

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json();
}

void add_extra(Json& object, const Json& extra) {
    if (!extra.is_object()) return;
    for (const auto& [key, value] : extra.items()) {
        if (!object.contains(key)) object[key] = value;
    }
}

const char* to_text(DispatchStatus::State state) {
    switch (state) {
        case DispatchStatus::State::complete:
            return "complete";
        case DispatchStatus::State::error:
            return "error";
        default:
            return "waiting";
    }
}

Json to_json(const TaskInfo& info) {
    Json object;
    object["action"] = info.action;
    object["uid"] = info.uid;
    object["uid_type"] = info.uid_type;
    object["triggered_rules"] = Json::object();
    for (const std::string& rule : info.triggered_rules) object["triggered_rules"][rule] = true;
    object["applied_rule"] = info.applied_rule;
    object["patient_name"] = info.patient_name;
    object["mrn"] = info.mrn;
    object["acc"] = info.acc;
    object["sender_address"] = info.sender_address;
    object["mercure_version"] = info.mercure_version;
    object["mercure_appliance"] = info.mercure_appliance;
    object["mercure_server"] = info.mercure_server;
    object["device_serial_number"] = or_null(info.device_serial_number);
    object["fail_stage"] = info.fail_stage ? Json(to_string(*info.fail_stage)) : Json();
    object["sender_aet"] = info.sender_aet;
    object["receiver_aet"] = info.receiver_aet;
    if (info.fail_reason) object["fail_reason"] = *info.fail_reason;
    add_extra(object, info.extra);
    return object;
}

Json to_json(const DispatchStatus& status) {
    Json object{{"state", to_text(status.state)}, {"time", status.time}};
    if (status.attempts != 0) object["attempts"] = status.attempts;
    if (status.next_retry_at) object["next_retry_at"] = *status.next_retry_at;
    if (!status.reason.empty()) object["reason"] = status.reason;
    if (!status.via.empty()) object["via"] = status.via;
    if (status.committed) object["committed"] = true;
    return object;
}

Json to_json(const TaskDispatch& dispatch) {
    Json object;
    object["target_name"] = dispatch.targets;
    object["status"] = Json::object();
    for (const std::string& target : dispatch.targets) {
        const auto found = dispatch.status.find(target);
        const DispatchStatus status = found == dispatch.status.end() ? DispatchStatus{} : found->second;
        object["status"][target] = to_json(status);
    }
    object["retries"] = dispatch.retries == 0 ? Json() : Json(dispatch.retries);
    object["next_retry_at"] = or_null(dispatch.next_retry_at);
    object["series_uid"] = or_null(dispatch.series_uid);
    add_extra(object, dispatch.extra);
    return object;
}

Json to_json(const TaskProcess& step) {
    Json object;
    object["module_name"] = step.module_name;
    object["module_config"] = step.module_config;
    object["settings"] = step.settings;
    object["retain_input_images"] = step.retain_input_images;
    // mercure refuses a task.json whose output is neither an object nor null.
    const bool is_readable = step.output.is_object() || step.output.is_null();
    object["output"] = is_readable ? step.output : Json{{"result", step.output}};
    add_extra(object, step.extra);
    return object;
}

Json to_json(const TaskStudy& study) {
    Json object;
    object["study_uid"] = study.study_uid;
    object["complete_trigger"] = study.complete_trigger;
    object["complete_required_series"] = study.complete_required_series;
    object["creation_time"] = study.creation_time;
    object["last_receive_time"] = study.last_receive_time;
    object["received_series"] = study.received_series;
    object["received_series_uid"] = study.received_series_uid;
    object["complete_force"] = study.complete_force;
    object["complete_force_action"] = study.complete_force_action;
    if (!study.creation_utc.empty()) object["creation_utc"] = study.creation_utc;
    if (!study.last_receive_utc.empty()) object["last_receive_utc"] = study.last_receive_utc;
    if (!study.extended_utc.empty()) object["extended_utc"] = study.extended_utc;
    add_extra(object, study.extra);
    return object;
}

Json process_to_json(const TaskFile& task) {
    if (task.process.empty()) return Json::object();
    if (task.process.size() == 1 && !task.process_is_list) return to_json(task.process.front());
    Json list = Json::array();
    for (const TaskProcess& step : task.process) list.push_back(to_json(step));
    return list;
}

std::string tag_or(const Tags& tags, std::string_view key, const char* fallback) {
    const std::string* value = tags.find(key);
    return value == nullptr ? fallback : *value;
}

}  // namespace

std::string_view to_string(FailStage stage) {
    switch (stage) {
        case FailStage::dispatching:
            return "DISPATCHING";
        case FailStage::processing:
            return "PROCESSING";
        default:
            return "ROUTING";
    }
}

std::string to_json_text(const TaskFile& task) {
    Json document;
    document["info"] = to_json(task.info);
    document["id"] = task.id;
    document["dispatch"] = task.dispatch ? to_json(*task.dispatch) : Json::object();
    document["process"] = process_to_json(task);
    document["study"] = task.study ? to_json(*task.study) : Json::object();
    document["nomad_info"] = task.nomad_info;
    constexpr int indent = 4;
    constexpr bool ascii_only = true;
    constexpr std::size_t for_people_max = 1UL << 20;
    std::string text = document.dump(indent, ' ', ascii_only, Json::error_handler_t::replace);
    // A result with many numbers has a line for each, which nobody reads.
    if (text.size() <= for_people_max) return text;
    return document.dump(-1, ' ', ascii_only, Json::error_handler_t::replace);
}

Result<void> write_task_file(FileOps& ops, const std::filesystem::path& folder, const TaskFile& task) {
    return write_durably(ops, folder / TaskFile::file_name, to_json_text(task));
}

TaskInfo make_task_info(const Tags& tags, std::string uid, std::string uid_type, const ServerIdentity& server) {
    TaskInfo info;
    info.uid = std::move(uid);
    info.uid_type = std::move(uid_type);
    info.patient_name = tag_or(tags, "PatientName", missing);
    info.mrn = tag_or(tags, "PatientID", missing);
    info.acc = tag_or(tags, "AccessionNumber", missing);
    info.sender_address = tag_or(tags, "SenderAddress", missing);
    info.sender_aet = tag_or(tags, "SenderAET", missing);
    info.receiver_aet = tag_or(tags, "ReceiverAET", missing);
    if (const std::string* serial = tags.find("DeviceSerialNumber")) info.device_serial_number = *serial;
    info.mercure_version = server.version;
    info.mercure_appliance = server.appliance;
    info.mercure_server = server.host;
    return info;
}

TaskDispatch make_task_dispatch(std::vector<std::string> targets, WallTime now) {
    TaskDispatch dispatch;
    for (const std::string& target : targets) {
        dispatch.status[target].time = local_timestamp(now);
    }
    dispatch.targets = std::move(targets);
    return dispatch;
}

TaskStudy make_task_study(const Tags& tags, std::string study_uid, WallTime now) {
    TaskStudy study;
    study.study_uid = std::move(study_uid);
    study.creation_time = local_timestamp(now);
    study.creation_utc = rfc3339(now);
    add_series(study, tags, now);
    return study;
}

void add_series(TaskStudy& study, const Tags& tags, WallTime now) {
    study.last_receive_time = local_timestamp(now);
    study.last_receive_utc = rfc3339(now);
    study.received_series.push_back(tag_or(tags, "SeriesDescription", invalid));
    study.received_series_uid.push_back(tag_or(tags, "SeriesInstanceUID", invalid));
}

StudyTimes study_times(const TaskStudy& study) {
    const auto either = [](const std::string& utc, const std::string& local) {
        const auto time = parse_rfc3339(utc);
        return time ? time : parse_local_timestamp(local);
    };
    StudyTimes times{either(study.creation_utc, study.creation_time),
                     either(study.last_receive_utc, study.last_receive_time)};
    if (const auto extended = parse_rfc3339(study.extended_utc)) {
        times.created = std::max(times.created.value_or(*extended), *extended);
        times.last_received = std::max(times.last_received.value_or(*extended), *extended);
    }
    return times;
}

}  // namespace quicksilver
