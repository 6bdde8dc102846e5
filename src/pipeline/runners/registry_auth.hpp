#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace quicksilver {

/// The value of X-Registry-Auth for this registry, from the configuration of Docker's client as `docker login` writes
/// it; empty when it knows no password for it. Passwords in credential helpers are not looked for. Pure.
std::string registry_auth(const nlohmann::json& client_config, const std::string& registry);

/// The same with `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. Blocks.
std::string registry_auth_of_this_user(const std::string& registry);

}  // namespace quicksilver
