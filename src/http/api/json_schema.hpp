#pragma once

#include "problem_error.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The part of JSON Schema 2020-12 that the interface's own schemas use, so that what the description promises is what
/// is checked: type, properties, required, additionalProperties, items, enum, const, minimum, maximum, minLength,
/// maxLength, minItems, maxItems, anyOf, and $ref to `#/components/schemas/NAME`.
namespace quicksilver::api {

/// Every fault, in the order of the document, at most 50. `definitions` holds what $ref names; a schema that names
/// something else is a bug and throws.
std::vector<FieldError> schema_faults(const nlohmann::json& schema, const nlohmann::json& value,
                                      const nlohmann::json& definitions);

/// JSON text within limits: 64 levels deep. Throws ProblemError 400 with the place of the fault.
nlohmann::json parse_body(std::string_view text);

/// Shorthands for the schemas beside the routes.
namespace schema {
nlohmann::json text(std::size_t length_max = 1024);
nlohmann::json required_text(std::size_t length_max = 1024);
nlohmann::json integer(std::int64_t min, std::int64_t max);
nlohmann::json number();
nlohmann::json boolean();
nlohmann::json time();
nlohmann::json choice(const std::vector<std::string>& values);
nlohmann::json list_of(nlohmann::json items);
nlohmann::json any();
nlohmann::json any_object();
/// Null too.
nlohmann::json optional(nlohmann::json of);
/// Members that end in `?` in their name may be missing; others than these are refused.
nlohmann::json object(std::vector<std::pair<std::string, nlohmann::json>> members);
nlohmann::json page_of(nlohmann::json items);
}  // namespace schema

}  // namespace quicksilver::api
