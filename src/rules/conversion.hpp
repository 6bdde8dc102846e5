#pragma once

#include "machine.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver::rules {

/// Tuples and sets become arrays; what JSON cannot say (nan, functions) becomes its printed text.
nlohmann::json to_json(Machine& machine, Value value);
Value from_json(Machine& machine, const nlohmann::json& json);

}  // namespace quicksilver::rules
