#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/http/metrics.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// What a stage does. Pausing: no new work begins, what runs is finished.
enum class StageState { running, pausing, paused, stopped };
enum class TargetState {
    idle,
    sending,
    retrying,
    paused,
    draining,
    down,  ///< cannot be reached; being looked for
};

/// What a person said when pausing a stage.
struct StagePause {
    std::string reason, user;
    WallTime since;
    std::optional<WallTime> until;  ///< when it goes on by itself
};

struct ReceiveStatus {
    StageState state = StageState::running;
    std::uint64_t instances_total = 0;  ///< since the start, as all totals
    std::uint64_t bytes_total = 0;
    std::uint64_t rejected_total = 0;  ///< associations and instances that were refused
    std::uint64_t associations = 0;    ///< open now
    double rate_1m = 0;                ///< instances a second, mean of the last minute
    double bytes_1m = 0;               ///< bytes a second, mean of the last minute
    std::optional<StagePause> pause;   ///< while it is paused, where somebody said why
};

/// Routing, processing, or dispatching.
struct StageStatus {
    StageState state = StageState::running;
    std::uint64_t waiting = 0;
    std::uint64_t in_flight = 0;
    std::optional<Seconds> oldest;  ///< age of the oldest that waits; none when nothing waits
    double rate_1m = 0;  ///< series that were routed, tasks processed, instances delivered a second; of the last minute
    double bytes_1m = 0;  ///< bytes a second: of dispatch alone
    std::optional<StagePause> pause;
};

/// Series by outcome since the start, and those that are still arriving.
struct SeriesStatus {
    std::uint64_t waiting = 0;  ///< arriving, not yet complete
    std::uint64_t routed = 0;
    std::uint64_t discarded = 0;
    std::uint64_t failed = 0;
};

struct TargetStatus {
    std::string name;
    std::string type;
    TargetState state = TargetState::idle;
    std::uint64_t waiting = 0;   ///< tasks, with those that wait for their next attempt
    std::uint64_t retrying = 0;  ///< of these: wait for their next attempt
    std::uint64_t offpeak = 0;   ///< of these: wait for the off-peak hours
    std::uint64_t in_flight = 0;
    std::optional<Seconds> oldest;
    std::uint64_t instances_total = 0;  ///< delivered
    std::uint64_t bytes_total = 0;
    double rate_1m = 0;   ///< instances a second, mean of the last minute
    double bytes_1m = 0;  ///< bytes a second
    std::uint64_t attempts_total = 0;
    std::uint64_t sent_total = 0;    ///< tasks delivered
    std::uint64_t failed_total = 0;  ///< attempts that failed
    std::string last_error;          ///< empty when the last attempt succeeded; no patient data
};

/// The file system of the data folder.
struct StorageStatus {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;
    std::uint64_t reserve_bytes = 0;              ///< below this much free space nothing more is received
    std::map<std::string, std::uint64_t> stages;  ///< series and tasks that lie in each stage folder
    std::uint64_t held_series = 0;                ///< that people keep
    std::uint64_t held_in_the_way = 0;            ///< their folders, when the full disk has nothing else to remove
};

/// The answer of GET /api/v1/pipeline, a snapshot. Its JSON:
///   {"server_time":"2026-11-22T10:17:52.000Z","uptime_s":81.5,"version":"0.1.0","appliance":"master",
///    "ready":true,"reasons":[],
///    "stages":{"receive":{"state":"running","instances_total":412,"bytes_total":216268800,"rejected_total":0,
///                         "associations":2,"rate_1m":6.9,"bytes_1m":3604480.0},
///              "route":{"state":"running","waiting":0,"in_flight":1,"oldest_s":null,"rate_1m":0.1,"bytes_1m":0.0,
///                       "pause":null},
///              "process":{…as route},"dispatch":{…as route}},
///    "series":{"waiting":1,"routed":7,"discarded":0,"failed":0},
///    "targets":[{"name":"pacs","type":"dicom","state":"sending","waiting":2,"retrying":0,"offpeak":0,
///                "in_flight":1,"oldest_s":3.2,"instances_total":812,"bytes_total":…,"rate_1m":3.1,"bytes_1m":…,
///                "attempts_total":9,"sent_total":7,"failed_total":1,"last_error":null}],
///    "storage":{"total_bytes":…,"free_bytes":…,"reserve_bytes":…,"used_percent":41.2,
///               "stages":{"incoming":1,"outgoing":3,"success":7},"held_series":0,"held_in_the_way":0}}
/// used_percent is null where the size of the disk is not known.
struct PipelineStatus {
    ReceiveStatus receive;
    StageStatus route, process, dispatch;
    SeriesStatus series;
    std::vector<TargetStatus> targets;
    std::map<std::string, std::string> runners_away;  ///< what tasks wait for to run their modules → why it cannot now
    StorageStatus storage;
};

/// Whether new work is taken; `reasons` tells a person why not.
struct Readiness {
    bool ready = true;
    std::vector<std::string> reasons;
};

/// What the HTTP layer asks the pipeline. Io thread; answers from memory, so that a request never blocks.
class StatusSource {
public:
    virtual ~StatusSource() = default;
    virtual Readiness readiness() const = 0;
    virtual PipelineStatus pipeline() const = 0;
    virtual std::vector<MetricFamily> metrics() const = 0;
};

/// The stage and target part of the answer; server_time, uptime_s, version, appliance and readiness are added to it.
nlohmann::json to_json(const PipelineStatus& status);
/// One of `targets`.
nlohmann::json to_json(const TargetStatus& target);

}  // namespace quicksilver
