#pragma once

#include "quicksilver/core/config_field.hpp"

#include <string_view>
#include <vector>

namespace quicksilver {

/// Whether the effective value is one text, so that what the command line gives is taken as it stands.
bool is_text_like(FieldType type);

std::vector<std::string_view> choices_of(const ConfigField& field);

/// The value of that key, or null when there is none or `object` is no object.
const nlohmann::ordered_json* find_member(const nlohmann::ordered_json& object, std::string_view key);

/// The row of the first target type that has such a key, or null.
const ConfigField* find_field_of_any_target(std::string_view key);

}  // namespace quicksilver
