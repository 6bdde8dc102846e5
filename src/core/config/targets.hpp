#pragma once

#include "values.hpp"

#include <string>
#include <string_view>

namespace quicksilver {

/// The type of a target without `target_type`, by the fields that only one type has; empty when they tell nothing.
std::string_view classify_target(const nlohmann::ordered_json& target);

/// Reads one target by the table of its type. What mercure makes something else of is noted.
nlohmann::ordered_json read_target(const nlohmann::ordered_json& source, const std::string& path, Reading& reading);

}  // namespace quicksilver
