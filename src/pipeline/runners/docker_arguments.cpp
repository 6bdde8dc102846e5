#include "container_request.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace quicksilver {

using Json = nlohmann::json;

namespace {

/// How the value of a docker-py keyword becomes one of the engine's API.
enum class Kind {
    as_it_is,
    bytes,        // 1024, "2g"
    number_list,  // weights and limits of devices: docker-py hands them on
    words,        // a command line, or a list of words
    text_list,    // a text or a list
    ulimits,      // [{"Name": …}] or [{"name": …}]
    devices,      // "/dev/a:/dev/b:rwm"
    extra_hosts,  // {"host": "address"} or a list
    tmpfs,        // {"/run": "size=1g"}
    labels,       // {"a": "b"} or a list
    restart_not,  // "no", {} …: a module runs once
    ignored,      // says how docker-py should wait, which is our business
};

struct Argument {
    std::string_view keyword;
    std::string_view field;  // of the request; one of HostConfig begins with '/'
    Kind kind = Kind::as_it_is;
};

constexpr auto arguments_known = std::to_array<Argument>({
    {"blkio_weight", "/BlkioWeight"},
    {"blkio_weight_device", "/BlkioWeightDevice", Kind::number_list},
    {"cap_add", "/CapAdd", Kind::text_list},
    {"cap_drop", "/CapDrop", Kind::text_list},
    {"cgroup_parent", "/CgroupParent"},
    {"cgroupns", "/CgroupnsMode"},
    {"command", "Cmd", Kind::words},
    {"cpu_count", "/CpuCount"},
    {"cpu_percent", "/CpuPercent"},
    {"cpu_period", "/CpuPeriod"},
    {"cpu_quota", "/CpuQuota"},
    {"cpu_rt_period", "/CpuRealtimePeriod"},
    {"cpu_rt_runtime", "/CpuRealtimeRuntime"},
    {"cpu_shares", "/CpuShares"},
    {"cpuset_cpus", "/CpusetCpus"},
    {"cpuset_mems", "/CpusetMems"},
    {"device_cgroup_rules", "/DeviceCgroupRules", Kind::text_list},
    {"device_read_bps", "/BlkioDeviceReadBps", Kind::number_list},
    {"device_read_iops", "/BlkioDeviceReadIOps", Kind::number_list},
    {"device_requests", "/DeviceRequests"},
    {"device_write_bps", "/BlkioDeviceWriteBps", Kind::number_list},
    {"device_write_iops", "/BlkioDeviceWriteIOps", Kind::number_list},
    {"devices", "/Devices", Kind::devices},
    {"dns", "/Dns", Kind::text_list},
    {"dns_opt", "/DnsOptions", Kind::text_list},
    {"dns_search", "/DnsSearch", Kind::text_list},
    {"domainname", "Domainname"},
    {"entrypoint", "Entrypoint", Kind::words},
    {"extra_hosts", "/ExtraHosts", Kind::extra_hosts},
    {"healthcheck", "Healthcheck"},
    {"hostname", "Hostname"},
    {"init", "/Init"},
    {"ipc_mode", "/IpcMode"},
    {"isolation", "/Isolation"},
    {"kernel_memory", "/KernelMemory", Kind::bytes},
    {"labels", "Labels", Kind::labels},
    {"log_config", "/LogConfig"},
    {"mem_limit", "/Memory", Kind::bytes},
    {"mem_reservation", "/MemoryReservation", Kind::bytes},
    {"mem_swappiness", "/MemorySwappiness"},
    {"memswap_limit", "/MemorySwap", Kind::bytes},
    {"nano_cpus", "/NanoCpus"},
    {"network", "/NetworkMode"},
    {"network_disabled", "NetworkDisabled"},
    {"network_mode", "/NetworkMode"},
    {"oom_kill_disable", "/OomKillDisable"},
    {"oom_score_adj", "/OomScoreAdj"},
    {"pid_mode", "/PidMode"},
    {"pids_limit", "/PidsLimit"},
    {"privileged", "/Privileged"},
    {"publish_all_ports", "/PublishAllPorts"},
    {"read_only", "/ReadonlyRootfs"},
    {"runtime", "/Runtime"},
    {"security_opt", "/SecurityOpt", Kind::text_list},
    {"shm_size", "/ShmSize", Kind::bytes},
    {"stop_signal", "StopSignal"},
    {"stop_timeout", "StopTimeout"},
    {"storage_opt", "/StorageOpt"},
    {"sysctls", "/Sysctls"},
    {"tmpfs", "/Tmpfs", Kind::tmpfs},
    {"ulimits", "/Ulimits", Kind::ulimits},
    {"userns_mode", "/UsernsMode"},
    {"uts_mode", "/UTSMode"},
    {"volume_driver", "/VolumeDriver"},
    {"volumes_from", "/VolumesFrom", Kind::text_list},
    {"working_dir", "WorkingDir"},
    {"auto_remove", "", Kind::ignored},
    {"detach", "", Kind::ignored},
    {"platform", "", Kind::ignored},
    {"remove", "", Kind::ignored},
    {"restart_policy", "", Kind::restart_not},
    {"stderr", "", Kind::ignored},
    {"stdin_open", "", Kind::ignored},
    {"stdout", "", Kind::ignored},
    {"stream", "", Kind::ignored},
    {"tty", "", Kind::ignored},
});

/// mercure sets these itself and would fail with "got multiple values for keyword argument".
constexpr auto set_by_us = std::to_array<std::string_view>({"user", "group_add", "mounts", "volumes", "image", "name"});

Json list_of(const Json& value) {
    return value.is_array() ? value : Json::array({value});
}

/// {"a": "b"} as ["a:b"].
Json joined_pairs(const Json& value) {
    if (!value.is_object()) return list_of(value);
    Json list = Json::array();
    for (const auto& [name, text] : value.items()) {
        list.push_back(name + ":" + (text.is_string() ? text.get<std::string>() : text.dump()));
    }
    return list;
}

Json devices_of(const Json& value) {
    Json list = Json::array();
    for (const Json& entry : list_of(value)) {
        if (!entry.is_string()) {
            list.push_back(entry);
            continue;
        }
        std::vector<std::string> parts{""};
        for (const char c : entry.get<std::string>()) {
            if (c == ':') {
                parts.emplace_back();
            } else {
                parts.back() += c;
            }
        }
        const std::string inside = parts.size() > 1 ? parts[1] : parts[0];
        const std::string rights = parts.size() > 2 ? parts[2] : "rwm";
        list.push_back({{"PathOnHost", parts[0]}, {"PathInContainer", inside}, {"CgroupPermissions", rights}});
    }
    return list;
}

Json ulimits_of(const Json& value) {
    Json list = Json::array();
    for (const Json& entry : list_of(value)) {
        Json limit = Json::object();
        for (const auto& [name, number] : entry.items()) {
            std::string field = name;
            if (!field.empty() && field[0] >= 'a' && field[0] <= 'z')
                field[0] = static_cast<char>(field[0] - 'a' + 'A');
            limit[field] = number;
        }
        list.push_back(limit);
    }
    return list;
}

Result<Json> converted(const Argument& argument, const Json& value) {
    switch (argument.kind) {
        case Kind::bytes:
            if (const auto bytes = parse_bytes(value)) return Json(*bytes);
            return Error{Errc::invalid, fmt::format("docker_arguments.{}: {} is no size; write \"512m\" or \"2g\"",
                                                    argument.keyword, value.dump())};
        case Kind::words:
            if (value.is_string()) return Json(split_command(value.get<std::string>()));
            return value;
        case Kind::text_list:
        case Kind::number_list:
            return list_of(value);
        case Kind::ulimits:
            return ulimits_of(value);
        case Kind::devices:
            return devices_of(value);
        case Kind::extra_hosts:
            return joined_pairs(value);
        default:
            return value;
    }
}

/// Those of the module beside ours, which it must not change.
void add_labels(const Json& value, Json& labels) {
    const auto add = [&labels](const std::string& name, const Json& text) {
        if (!labels.contains(name)) labels[name] = text.is_string() ? text : Json(text.dump());
    };
    if (value.is_object()) {
        for (const auto& [name, text] : value.items()) add(name, text);
    } else if (value.is_array()) {
        for (const Json& name : value) {
            if (name.is_string()) add(name.get<std::string>(), "");
        }
    }
}

Result<void> apply(const Argument& argument, const Json& value, Json& body) {
    if (argument.kind == Kind::ignored || argument.kind == Kind::restart_not || value.is_null()) return {};
    if (argument.kind == Kind::labels) {
        add_labels(value, body["Labels"]);
        return {};
    }
    auto made = converted(argument, value);
    if (!made) return made.error();
    if (argument.field.front() == '/') {
        body["HostConfig"][std::string(argument.field.substr(1))] = std::move(*made);
    } else {
        body[std::string(argument.field)] = std::move(*made);
    }
    return {};
}

}  // namespace

Result<void> apply_docker_arguments(const Json& arguments, Json& body) {
    for (const auto& [keyword, value] : arguments.items()) {
        const std::string& name = keyword;
        for (const std::string_view ours : set_by_us) {
            if (name == ours) {
                return Error{Errc::invalid,
                             fmt::format("docker_arguments.{} cannot be set: it follows from the module's other "
                                         "settings; take it out",
                                         name)};
            }
        }
        const auto* known = std::find_if(arguments_known.begin(), arguments_known.end(),
                                         [&name](const Argument& argument) { return argument.keyword == name; });
        if (known == arguments_known.end()) {
            return Error{Errc::invalid, fmt::format("docker_arguments.{} is not known; check its spelling", name)};
        }
        if (auto applied = apply(*known, value, body); !applied) return applied;
    }
    return {};
}

std::optional<std::int64_t> parse_bytes(const Json& value) {
    if (value.is_number()) return static_cast<std::int64_t>(value.get<double>());
    if (!value.is_string()) return std::nullopt;
    const auto text = value.get<std::string>();
    std::size_t used = 0;
    double number = 0;
    try {
        number = std::stod(text, &used);
    } catch (const std::exception&) {
        return std::nullopt;
    }
    std::string unit = text.substr(used);
    for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (unit.size() > 1 && unit.back() == 'b') unit.pop_back();
    constexpr std::string_view units = "bkmgt";
    const auto power = unit.empty() ? 0 : unit.size() == 1 ? units.find(unit[0]) : std::string_view::npos;
    if (power == std::string_view::npos || !std::isfinite(number) || std::abs(number) > 1e15) return std::nullopt;
    return static_cast<std::int64_t>(std::ldexp(number, static_cast<int>(power) * 10));
}

std::vector<std::string> split_command(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = '\0';
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (quote == '\'' ? c == quote : quote == '"' && c == quote) {
            quote = '\0';
        } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
            word += line[++i];
            in_word = true;
        } else if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
            in_word = true;
        } else if (quote == '\0' && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            if (in_word) words.push_back(std::exchange(word, ""));
            in_word = false;
        } else {
            word += c;
            in_word = true;
        }
    }
    if (in_word) words.push_back(std::move(word));
    return words;
}

}  // namespace quicksilver
