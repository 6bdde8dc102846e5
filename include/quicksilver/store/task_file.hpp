#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

enum class FailStage { dispatching, processing, routing };

/// "DISPATCHING", "PROCESSING", "ROUTING": how task.json and the bookkeeper spell it.
std::string_view to_string(FailStage stage);

/// Fields of the same names in task.json (contract §3.1). `extra` keeps what we do not know: mercure's reader ignores
/// unknown fields inside these objects, but refuses them at the top level.
struct TaskInfo {
    std::string action = "route";  ///< route, both, process, discard, notification
    std::string uid;
    std::string uid_type = "series";           ///< series, study
    std::vector<std::string> triggered_rules;  ///< in task.json an object with `true` for each
    std::string applied_rule;                  ///< "" for pooled routing
    std::string patient_name = "MISSING";
    std::string mrn = "MISSING";
    std::string acc = "MISSING";
    std::string sender_address = "MISSING";
    std::string mercure_version, mercure_appliance, mercure_server;
    std::optional<std::string> device_serial_number;
    std::optional<FailStage> fail_stage;
    /// Ours, not mercure's: why the task lies in error/. In `info`, because there mercure's reader tolerates it.
    std::optional<std::string> fail_reason;
    std::string sender_aet = "MISSING";
    std::string receiver_aet = "MISSING";
    nlohmann::ordered_json extra;
};

struct DispatchStatus {
    enum class State { waiting, complete, error };
    State state = State::waiting;
    std::string time;  ///< local, "YYYY-mm-dd HH:MM:SS"
    /// Ours, not mercure's, whose reader tolerates them here.
    int attempts = 0;                     ///< that failed
    std::optional<double> next_retry_at;  ///< seconds since 1970
    std::string reason;                   ///< of the last failure
    std::string via;                      ///< the target that took it instead: of a failover list or a group
    bool committed = false;               ///< the target promised to keep all instances (Storage Commitment)
};

struct TaskDispatch {
    std::vector<std::string> targets;              ///< `target_name`
    std::map<std::string, DispatchStatus> status;  ///< one for each target; a malformed one is read as all waiting
    int retries = 0;                               ///< the most failed attempts of a target
    std::optional<double> next_retry_at;           ///< seconds since 1970, the soonest of all targets
    std::optional<std::string> series_uid;
    nlohmann::ordered_json extra;
};

struct TaskProcess {
    std::string module_name;
    nlohmann::ordered_json module_config;  ///< object or null
    nlohmann::ordered_json settings = nlohmann::ordered_json::object();
    bool retain_input_images = false;
    nlohmann::ordered_json output;  ///< object or null; anything else would make mercure refuse the file
    nlohmann::ordered_json extra;
};

struct TaskStudy {
    std::string study_uid;
    std::string complete_trigger = "timeout";  ///< timeout, received_series
    std::string complete_required_series;
    std::string creation_time, last_receive_time;  ///< mercure's: local, "YYYY-mm-dd HH:MM:SS"
    std::string creation_utc, last_receive_utc;    ///< ours: the same as RFC 3339, which no change of the zone shifts
    std::string extended_utc;                      ///< somebody let the waiting begin anew then; usually empty
    std::vector<std::string> received_series, received_series_uid;
    bool complete_force = false;
    std::string complete_force_action = "discard";  ///< discard, proceed, ignore
    nlohmann::ordered_json extra;
};

/// mercure's task.json: what is to be done with the folder it lies in, and what is done already.
struct TaskFile {
    static constexpr std::string_view file_name = "task.json";
    static constexpr std::size_t bytes_max = 16UL << 20;  ///< a longer one is not read

    TaskInfo info;
    std::string id;
    std::optional<TaskDispatch> dispatch;  ///< absent = `{}`
    std::vector<TaskProcess> process;      ///< empty = `{}`, one = an object, several = a list
    bool process_is_list = false;          ///< a list of one was read: keep it a list
    std::optional<TaskStudy> study;        ///< absent = `{}`
    nlohmann::ordered_json nomad_info;
};

/// Reads what mercure and we write, and as tolerantly as mercure does: `target_name` may be a string, a malformed or
/// incomplete `status` means all waiting. Otherwise Errc::invalid with the path of the field.
Result<TaskFile> parse_task_file(std::string_view text);
/// Indented by 4, ASCII only, every field present: as mercure writes it.
std::string to_json_text(const TaskFile& task);

/// `FOLDER/task.json`. Errc::not_found when there is none.
Result<TaskFile> read_task_file(const std::filesystem::path& folder);
/// Replaces `FOLDER/task.json` durably.
Result<void> write_task_file(FileOps& ops, const std::filesystem::path& folder, const TaskFile& task);

/// What task.json says about the server that wrote it.
struct ServerIdentity {
    std::string version;
    std::string appliance;
    std::string host;
};

/// The info of a new task. A tag that is absent is "MISSING" (the serial number: null), one that is empty stays "".
TaskInfo make_task_info(const Tags& tags, std::string uid, std::string uid_type, const ServerIdentity& server);
/// A dispatch part with every target waiting.
TaskDispatch make_task_dispatch(std::vector<std::string> targets, WallTime now);
/// The study part of a study's first series; `add_series` for the others. An absent SeriesDescription or
/// SeriesInstanceUID is "#@INVALID@#".
TaskStudy make_task_study(const Tags& tags, std::string study_uid, WallTime now);
void add_series(TaskStudy& study, const Tags& tags, WallTime now);

/// When the study was begun, and when a series came last. Nothing when the file says nothing that can be read.
struct StudyTimes {
    std::optional<WallTime> created;
    std::optional<WallTime> last_received;
};
StudyTimes study_times(const TaskStudy& study);

}  // namespace quicksilver
