#pragma once

#include "quicksilver/core/module_policy.hpp"
#include "quicksilver/core/result.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace quicksilver {

/// Everything that decides how a module's container is made.
struct ContainerPlan {
    nlohmann::json config;                       ///< of the module, contract §1.5
    std::string image;                           ///< what is run: an image id
    std::string runtime;                         ///< `processing_runtime`; the module's own counts more
    std::filesystem::path in, out, persistence;  ///< as the engine sees them; persistence may be empty
    std::map<std::string, std::string> labels;
    uid_t user = 0;
    gid_t group = 0;
    bool support_root_modules = false;
    bool rootless = false;  ///< the engine's root is our user
    /// Of the image's app manifest, when it is a MONAI application package: started without the entry point, by the
    /// image's own user.
    std::optional<std::vector<std::string>> map_command;
    ModulePolicy policy;
};

struct ContainerRequest {
    nlohmann::json body;                ///< of POST /containers/create
    std::vector<std::string> left_out;  ///< arguments and volumes that the policy forbids
};

/// The request for the engine (contract §6.3). Pure. An error says which field of the module to mend.
Result<ContainerRequest> make_container_request(const ContainerPlan& plan);

/// A field that is an object, or an object's JSON in a string; {} when absent or empty.
Result<nlohmann::json> object_field(const nlohmann::json& config, const char* field);

/// "2g", "512m", 1024: bytes. Nothing for what is none.
std::optional<std::int64_t> parse_bytes(const nlohmann::json& value);

/// How many graphics processors the module takes of those that are counted: its `gpus`, else 1 when its runtime is
/// nvidia's, else none.
unsigned gpus_of(const nlohmann::json& config, const std::string& processing_runtime);

/// Words of a command line as a shell splits them: quotes, backslashes.
std::vector<std::string> split_command(std::string_view line);

/// Lays arguments named as in docker-py over a request. Pure.
Result<void> apply_docker_arguments(const nlohmann::json& arguments, nlohmann::json& body);

}  // namespace quicksilver
