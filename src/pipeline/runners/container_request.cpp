#include "container_request.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr const char* in_dir = "/tmp/data";
constexpr const char* out_dir = "/tmp/output";
constexpr const char* persistence_dir = "/tmp/persistence";

std::string text_field(const Json& config, const char* field) {
    const auto found = config.find(field);
    return found != config.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool flag_field(const Json& config, const char* field, bool otherwise) {
    const auto found = config.find(field);
    if (found == config.end()) return otherwise;
    if (found->is_boolean()) return found->get<bool>();
    if (found->is_string()) return *found == "True" || *found == "true";
    return otherwise;
}

std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Values of `environment` as docker-py takes them: an object, or a list of "NAME=value".
std::map<std::string, std::string> environment_of(const Json& value) {
    std::map<std::string, std::string> variables;
    if (value.is_object()) {
        for (const auto& [name, text] : value.items()) variables[name] = text.is_null() ? "" : text_of(text);
    } else if (value.is_array()) {
        for (const Json& entry : value) {
            const std::string text = text_of(entry);
            const auto equals = text.find('=');
            variables[text.substr(0, equals)] = equals == std::string::npos ? "" : text.substr(equals + 1);
        }
    }
    return variables;
}

Json environment_for(const ContainerPlan& plan, const Json& own, const Json& arguments) {
    std::map<std::string, std::string> variables = environment_of(own);
    for (const char* keyword : {"environment", "env"}) {
        if (!arguments.contains(keyword)) continue;
        for (auto& [name, value] : environment_of(arguments[keyword])) variables[name] = value;
    }
    for (const char* name : {"MERCURE_IN_DIR", "MONAI_INPUTPATH", "HOLOSCAN_INPUT_PATH"}) variables[name] = in_dir;
    for (const char* name : {"MERCURE_OUT_DIR", "MONAI_OUTPUTPATH", "HOLOSCAN_OUTPUT_PATH"}) variables[name] = out_dir;
    if (!plan.persistence.empty()) variables["MODULE_PERSISTENCE_DIR"] = persistence_dir;
    Json list = Json::array();
    for (const auto& [name, value] : variables) list.push_back(name + "=" + value);
    return list;
}

Json mount_of(const fs::path& source, const char* target, bool reads_only) {
    return {{"Type", "bind"}, {"Source", source.string()}, {"Target", target}, {"ReadOnly", reads_only}};
}

/// mercure's `additional_volumes`: {"/host": {"bind": "/inside", "mode": "ro"}}.
Result<void> add_volumes(const ContainerPlan& plan, const Json& volumes, Json& binds, ContainerRequest& request) {
    for (const auto& [host, how] : volumes.items()) {
        const bool readable = how.is_object() && how.contains("bind") && how["bind"].is_string();
        if (!readable) {
            return Error{Errc::invalid, fmt::format("additional_volumes: write \"{}\": {{\"bind\": \"/inside\", "
                                                    "\"mode\": \"ro\"}}",
                                                    host)};
        }
        if (plan.policy.forbid_unsafe_volumes && !plan.policy.is_safe_volume(host)) {
            request.left_out.push_back("volume " + host);
            continue;
        }
        binds.push_back(fmt::format("{}:{}:{}", host, how["bind"].get<std::string>(), how.value("mode", "rw")));
    }
    return {};
}

Result<void> set_user(const ContainerPlan& plan, Json& body) {
    const bool root = flag_field(plan.config, "requires_root", false);
    if ((root || plan.map_command) && !plan.support_root_modules && !plan.rootless) {
        return Error{Errc::refused,
                     fmt::format("{} runs as root: set support_root_modules to allow it{}",
                                 plan.map_command ? "the module is a MONAI application package, which" : "the module",
                                 root ? ", or take requires_root off the module" : "")};
    }
    if (root || plan.map_command) return {};  // whatever user the image names, which is root mostly
    // A rootless engine's root is the user that runs the engine, and every other user is a stranger to our files.
    if (plan.rootless) {
        body["User"] = "0:0";
        return {};
    }
    body["User"] = fmt::format("{}:{}", plan.user, plan.group);
    body["HostConfig"]["GroupAdd"] = Json::array({std::to_string(plan.group)});
    return {};
}

Result<void> set_gpus(const ContainerPlan& plan, Json& host) {
    const auto found = plan.config.find("gpus");
    if (found == plan.config.end() || !found->is_number_integer() || found->get<int>() <= 0) return {};
    host["DeviceRequests"] = Json::array(
        {{{"Driver", ""}, {"Count", found->get<int>()}, {"Capabilities", Json::array({Json::array({"gpu"})})}}});
    return {};
}

/// Leaves out what the policy forbids.
Json allowed_arguments(const ContainerPlan& plan, Json arguments, ContainerRequest& request) {
    if (!plan.policy.forbid_unsafe_arguments) return arguments;
    for (auto it = arguments.begin(); it != arguments.end();) {
        if (is_safe_argument(it.key())) {
            ++it;
            continue;
        }
        request.left_out.push_back("docker argument " + it.key());
        it = arguments.erase(it);
    }
    return arguments;
}

}  // namespace

Result<Json> object_field(const Json& config, const char* field) {
    const auto found = config.find(field);
    if (found == config.end() || found->is_null()) return Json::object();
    if (found->is_object()) return *found;
    if (found->is_string()) {
        const auto text = found->get<std::string>();
        if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Json::object();
        Json parsed = Json::parse(text, nullptr, false);
        if (parsed.is_object()) return parsed;
    }
    return Error{Errc::invalid,
                 fmt::format("{} of the module is no JSON object; mend it in the module's settings", field)};
}

unsigned gpus_of(const Json& config, const std::string& processing_runtime) {
    const auto found = config.find("gpus");
    if (found != config.end() && found->is_number_integer() && found->get<int>() > 0) {
        return found->get<unsigned>();
    }
    const auto arguments = object_field(config, "docker_arguments");
    std::string runtime = arguments ? text_field(*arguments, "runtime") : std::string();
    if (runtime.empty()) runtime = processing_runtime;
    return runtime == "nvidia" ? 1 : 0;
}

Result<ContainerRequest> make_container_request(const ContainerPlan& plan) {
    const auto volumes = object_field(plan.config, "additional_volumes");
    if (!volumes) return volumes.error();
    const auto environment = object_field(plan.config, "environment");
    if (!environment) return environment.error();
    auto given = object_field(plan.config, "docker_arguments");
    if (!given) return given.error();

    ContainerRequest request;
    Json arguments = allowed_arguments(plan, std::move(*given), request);
    Json& body = request.body;
    body["Image"] = plan.image;
    body["Env"] = environment_for(plan, *environment, arguments);
    arguments.erase("environment");
    arguments.erase("env");
    for (const auto& [name, value] : plan.labels) body["Labels"][name] = value;
    if (plan.map_command) {
        body["Entrypoint"] = Json::array({""});  // an empty list means the image's own to Podman
        body["Cmd"] = *plan.map_command;
    }

    Json& host = body["HostConfig"];
    // Mounts and not "Binds", for which Docker makes an empty folder where a path is wrong.
    const bool reads_only = flag_field(plan.config, "link_inputs", false);
    host["Mounts"] = Json::array({mount_of(plan.in, in_dir, reads_only), mount_of(plan.out, out_dir, false)});
    if (!plan.persistence.empty()) host["Mounts"].push_back(mount_of(plan.persistence, persistence_dir, false));
    Json binds = Json::array();
    if (auto added = add_volumes(plan, *volumes, binds, request); !added) return added.error();
    if (!binds.empty()) host["Binds"] = binds;
    host["CapDrop"] = Json::array({"ALL"});
    if (!flag_field(plan.config, "network_enabled", true)) host["NetworkMode"] = "none";
    if (!plan.runtime.empty()) host["Runtime"] = plan.runtime;
    // What a module writes without end must not fill the engine's disk; we read it while it runs.
    host["LogConfig"] = {{"Type", "json-file"}, {"Config", {{"max-size", "16m"}, {"max-file", "2"}}}};
    if (auto set = set_gpus(plan, host); !set) return set.error();
    if (auto set = set_user(plan, body); !set) return set.error();
    if (auto applied = apply_docker_arguments(arguments, body); !applied) return applied.error();
    return request;
}

}  // namespace quicksilver
