#include "quicksilver/core/module_policy.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    if (value == nullptr || *value == '\0') return false;
    std::string text(value);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text != "false";
}

bool lies_below(const fs::path& path, const fs::path& folder) {
    const fs::path normal = path.lexically_normal();
    const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), normal.begin(), normal.end());
    return end == folder.end();
}

/// The keys of a field that is an object, or an object's JSON in a string.
std::vector<std::string> keys_of(const nlohmann::json& config, const char* field) {
    std::vector<std::string> keys;
    if (!config.is_object()) return keys;
    nlohmann::json object = config.value(field, nlohmann::json());
    if (object.is_string()) object = nlohmann::json::parse(object.get<std::string>(), nullptr, false);
    if (!object.is_object()) return keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;
}

}  // namespace

ModulePolicy ModulePolicy::from_environment() {
    ModulePolicy policy;
    policy.forbid_unsafe_arguments = is_set("MERCURE_FORBID_UNSAFE_DOCKER_ARGS");
    policy.forbid_unsafe_volumes = is_set("MERCURE_FORBID_UNSAFE_VOLUMES");
    policy.allow_unsafe_arguments = is_set("MERCURE_ALLOW_UNSAFE_DOCKER_ARGS") && !policy.forbid_unsafe_arguments;
    policy.allow_unsafe_volumes = is_set("MERCURE_ALLOW_UNSAFE_VOLUMES") && !policy.forbid_unsafe_volumes;
    if (const char* extra = std::getenv("MERCURE_PROCESSOR_EXTRA_VOLUMES")) {
        std::string folder;
        for (const char c : std::string(extra) + ";") {
            if (c != ';') {
                folder += c;
            } else if (!folder.empty()) {
                policy.volumes.emplace_back(fs::path(std::exchange(folder, "")).lexically_normal());
            }
        }
    }
    return policy;
}

bool ModulePolicy::is_safe_volume(std::string_view host_path) const {
    return std::any_of(volumes.begin(), volumes.end(),
                       [&host_path](const fs::path& folder) { return lies_below(host_path, folder); });
}

std::vector<std::string> ModulePolicy::unsafe_wishes(const nlohmann::json& module_config) const {
    std::vector<std::string> wishes;
    for (const std::string& keyword : keys_of(module_config, "docker_arguments")) {
        if (!allow_unsafe_arguments && !is_safe_argument(keyword)) wishes.push_back("docker_arguments." + keyword);
    }
    for (const std::string& host : keys_of(module_config, "additional_volumes")) {
        if (!allow_unsafe_volumes && !is_safe_volume(host)) wishes.push_back("additional_volumes." + host);
    }
    return wishes;
}

bool is_safe_argument(std::string_view keyword) {
    constexpr auto safe = std::to_array<std::string_view>({"mem_limit",
                                                           "memswap_limit",
                                                           "cpu_period",
                                                           "cpu_quota",
                                                           "cpuset_cpus",
                                                           "shm_size",
                                                           "runtime",
                                                           "labels",
                                                           "cpu_shares",
                                                           "cpuset_mems",
                                                           "nano_cpus",
                                                           "blkio_weight",
                                                           "device_read_bps",
                                                           "device_write_bps",
                                                           "device_read_iops",
                                                           "device_write_iops",
                                                           "pids_limit",
                                                           "environment",
                                                           "env",
                                                           "read_only",
                                                           "stop_signal",
                                                           "stop_timeout",
                                                           "healthcheck"});
    return std::find(safe.begin(), safe.end(), keyword) != safe.end();
}

}  // namespace quicksilver
