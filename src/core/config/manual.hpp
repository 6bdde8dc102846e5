#pragma once

#include "quicksilver/core/config_field.hpp"

#include <string>
#include <string_view>

namespace quicksilver {

inline constexpr std::string_view manual_table_head = "\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n";

/// One setting as a row of such a table.
std::string manual_row(const ConfigField& field);
/// Whether every type of target that is delivered to has this field.
bool is_for_every_type(const ConfigField& field);

}  // namespace quicksilver
