#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace quicksilver {

/// What changed, for people and machines: [{"op": "add"|"remove"|"replace", "path", "from", "to"}] with JSON pointers.
/// Lists are one value. Unlike a JSON patch it says what was there before.
nlohmann::json json_diff(const nlohmann::json& before, const nlohmann::json& after);

/// One segment of a JSON pointer (RFC 6901 §3): `a/b` → `a~1b`.
std::string pointer_segment(std::string_view name);

}  // namespace quicksilver
