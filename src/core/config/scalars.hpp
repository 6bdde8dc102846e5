#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/config_field.hpp"
#include "quicksilver/core/result.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

/// One value, coerced as pydantic does for mercure. `remark` is what a person should know though it is accepted.
struct Scalar {
    nlohmann::ordered_json value;
    std::string remark;
};

/// For the types that are neither lists nor objects. The error says what is wrong, without the path.
Result<Scalar> read_scalar(const ConfigField& field, const nlohmann::ordered_json& value);

/// A text, number or boolean as a text; an error for lists and objects.
Result<std::string> read_text(const nlohmann::ordered_json& value);
Result<bool> read_boolean(const nlohmann::ordered_json& value);

/// The bytes, or per cent, of "5%", "10GB", "10 GiB", "1000000"; nothing when it is none of these.
std::optional<DiskReserve> parse_disk_space(std::string_view text);

/// What a value is, for messages: `"abc"`, `5.5`, `a list`.
std::string describe(const nlohmann::ordered_json& value);

}  // namespace quicksilver
