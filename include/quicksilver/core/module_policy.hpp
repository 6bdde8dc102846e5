#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// What the person who runs this machine allows modules to ask for: mercure's environment variables (contract §1.7).
/// To forbid counts more than to allow. Pure, but for `from_environment`.
struct ModulePolicy {
    /// MERCURE_FORBID_UNSAFE_DOCKER_ARGS, …_VOLUMES: left out when the module runs.
    bool forbid_unsafe_arguments = false;
    bool forbid_unsafe_volumes = false;
    /// MERCURE_ALLOW_UNSAFE_DOCKER_ARGS, …_VOLUMES: may be added by whoever configures modules from afar.
    bool allow_unsafe_arguments = false;
    bool allow_unsafe_volumes = false;
    std::vector<std::filesystem::path> volumes{"/opt/mercure/processor_volumes"};  ///< and what lies below

    static ModulePolicy from_environment();

    bool is_safe_volume(std::string_view host_path) const;
    /// "docker_arguments.privileged", "additional_volumes./etc": what the module asks for and may not be added from
    /// afar. Fields that cannot be read ask for nothing.
    std::vector<std::string> unsafe_wishes(const nlohmann::json& module_config) const;
};

/// Whether mercure's rule counts this keyword of docker_arguments as safe.
bool is_safe_argument(std::string_view keyword);

}  // namespace quicksilver
