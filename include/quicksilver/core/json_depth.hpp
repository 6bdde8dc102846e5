#pragma once

#include <string_view>

namespace quicksilver {

/// How deep arrays and objects of a JSON text are nested. nlohmann_json reads without recursion but copies, prints and
/// destroys with it, so whoever reads what others wrote looks first. Of what is no JSON any number. Pure.
unsigned json_depth(std::string_view text);

}  // namespace quicksilver
