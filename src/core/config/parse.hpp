#pragma once

#include "findings.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string_view>

namespace quicksilver {

constexpr std::size_t config_size_max = 16 * 1024 * 1024;  // bytes of one configuration file

/// JSON with `//` and `/* */` comments. Nothing when it is no JSON, too large or too deep, with an error that has line
/// and column; a key that stands twice gives a warning and its last value.
std::optional<nlohmann::ordered_json> parse_config_json(std::string_view text, Findings& findings);

}  // namespace quicksilver
