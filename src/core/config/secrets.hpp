#pragma once

#include "values.hpp"

namespace quicksilver {

/// The text that {"file": "/run/secrets/x"} or {"env": "NAME"} stands for; nothing, with an error, when there is none.
std::optional<nlohmann::ordered_json> read_secret(const nlohmann::ordered_json& reference, const std::string& path,
                                                  Reading& reading);

/// Whether a key that no table knows sounds like a secret: passwords, tokens, keys of services.
bool sounds_secret(std::string_view key);

}  // namespace quicksilver
