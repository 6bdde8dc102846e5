#include "quicksilver/http/status_source.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace quicksilver {

namespace {

std::string_view name_of(StageState state) {
    switch (state) {
        case StageState::running:
            return "running";
        case StageState::pausing:
            return "pausing";
        case StageState::paused:
            return "paused";
        case StageState::stopped:
            return "stopped";
    }
    return "unknown";
}

std::string_view name_of(TargetState state) {
    switch (state) {
        case TargetState::idle:
            return "idle";
        case TargetState::sending:
            return "sending";
        case TargetState::retrying:
            return "retrying";
        case TargetState::paused:
            return "paused";
        case TargetState::draining:
            return "draining";
        case TargetState::down:
            return "down";
    }
    return "unknown";
}

/// To three decimals, so that people can read the answer as well.
double rounded(double value) {
    return std::round(value * 1000) / 1000;
}

nlohmann::json age_to_json(const std::optional<Seconds>& age) {
    if (!age) return nullptr;
    return rounded(age->count());
}

nlohmann::json pause_to_json(const std::optional<StagePause>& pause) {
    if (!pause) return nullptr;
    return {{"reason", pause->reason},
            {"user", pause->user},
            {"since", rfc3339(pause->since)},
            {"until", pause->until ? nlohmann::json(rfc3339(*pause->until)) : nlohmann::json()}};
}

nlohmann::json receive_to_json(const ReceiveStatus& receive) {
    return {{"state", name_of(receive.state)},       {"instances_total", receive.instances_total},
            {"bytes_total", receive.bytes_total},    {"rejected_total", receive.rejected_total},
            {"associations", receive.associations},  {"rate_1m", rounded(receive.rate_1m)},
            {"bytes_1m", rounded(receive.bytes_1m)}, {"pause", pause_to_json(receive.pause)}};
}

nlohmann::json stage_to_json(const StageStatus& stage) {
    return {{"state", name_of(stage.state)},      {"waiting", stage.waiting},
            {"in_flight", stage.in_flight},       {"oldest_s", age_to_json(stage.oldest)},
            {"rate_1m", rounded(stage.rate_1m)},  {"bytes_1m", rounded(stage.bytes_1m)},
            {"pause", pause_to_json(stage.pause)}};
}

}  // namespace

nlohmann::json to_json(const TargetStatus& target) {
    nlohmann::json json = {{"name", target.name},
                           {"type", target.type},
                           {"state", name_of(target.state)},
                           {"waiting", target.waiting},
                           {"retrying", target.retrying},
                           {"offpeak", target.offpeak},
                           {"in_flight", target.in_flight},
                           {"oldest_s", age_to_json(target.oldest)},
                           {"instances_total", target.instances_total},
                           {"bytes_total", target.bytes_total},
                           {"rate_1m", rounded(target.rate_1m)},
                           {"bytes_1m", rounded(target.bytes_1m)},
                           {"attempts_total", target.attempts_total},
                           {"sent_total", target.sent_total},
                           {"failed_total", target.failed_total},
                           {"last_error", nullptr}};
    if (!target.last_error.empty()) json["last_error"] = target.last_error;
    return json;
}

namespace {

nlohmann::json storage_to_json(const StorageStatus& storage) {
    nlohmann::json json = {{"total_bytes", storage.total_bytes},
                           {"free_bytes", storage.free_bytes},
                           {"reserve_bytes", storage.reserve_bytes},
                           {"used_percent", nullptr},
                           {"stages", storage.stages},
                           {"held_series", storage.held_series},
                           {"held_in_the_way", storage.held_in_the_way}};
    if (storage.total_bytes > 0) {
        const double free = static_cast<double>(storage.free_bytes) / static_cast<double>(storage.total_bytes);
        json["used_percent"] = rounded(100 * (1 - free));
    }
    return json;
}

}  // namespace

nlohmann::json to_json(const PipelineStatus& status) {
    nlohmann::json targets = nlohmann::json::array();
    for (const TargetStatus& target : status.targets) targets.push_back(to_json(target));
    return {{"stages",
             {{"receive", receive_to_json(status.receive)},
              {"route", stage_to_json(status.route)},
              {"process", stage_to_json(status.process)},
              {"dispatch", stage_to_json(status.dispatch)}}},
            {"series",
             {{"waiting", status.series.waiting},
              {"routed", status.series.routed},
              {"discarded", status.series.discarded},
              {"failed", status.series.failed}}},
            {"targets", std::move(targets)},
            {"storage", storage_to_json(status.storage)}};
}

}  // namespace quicksilver
