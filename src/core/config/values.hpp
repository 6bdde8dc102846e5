#pragma once

#include "quicksilver/core/config_field.hpp"
#include "quicksilver/core/config_loader.hpp"

#include "findings.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace quicksilver {

/// What reading a value needs beside the value: where findings go, and where secrets come from.
struct Reading {
    Findings& findings;
    const Environment& environment;
};

/// Checks and coerces one value. Nothing, when it stands for "not given" (null, or "" where that is no value) or when
/// it is wrong, which is then among the findings.
std::optional<nlohmann::ordered_json> read_value(const ConfigField& field, const nlohmann::ordered_json& value,
                                                 const std::string& path, Reading& reading);

/// Reads an object by its table: known keys checked, coerced and with defaults, in the order of the table; unknown ones
/// kept behind them, with a warning. `source` may be anything; what is no object is an error.
nlohmann::ordered_json read_object(FieldTable fields, const nlohmann::ordered_json& source, const std::string& path,
                                   Reading& reading);

}  // namespace quicksilver
