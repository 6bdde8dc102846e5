#include "json_schema.hpp"

#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/core/json_diff.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace quicksilver::api {

using nlohmann::json;

namespace {

constexpr std::size_t faults_max = 50;
constexpr unsigned depth_max = 64;
constexpr std::string_view reference_prefix = "#/components/schemas/";

bool has_type(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    if (type == "number") return value.is_number();
    if (type == "integer") {
        if (value.is_number_integer()) return true;
        if (!value.is_number_float()) return false;
        const double number = value.get<double>();
        return std::floor(number) == number && std::abs(number) < 9e15;
    }
    throw std::logic_error("schema: unknown type " + type);
}

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

class Checker {
public:
    Checker(const json& definitions, std::vector<FieldError>& faults) : definitions_(definitions), faults_(faults) {}

    void check(const json& schema, const json& value, const std::string& pointer) {
        if (schema.is_boolean() || faults_.size() >= faults_max) return;
        if (const auto reference = schema.find("$ref"); reference != schema.end()) {
            check(resolve(reference->get<std::string>()), value, pointer);
            return;
        }
        if (const auto choices = schema.find("anyOf"); choices != schema.end()) check_any(*choices, value, pointer);
        if (!check_type(schema, value, pointer)) return;
        check_choice(schema, value, pointer);
        if (value.is_number()) check_number(schema, value, pointer);
        if (value.is_string()) check_text(schema, value, pointer);
        if (value.is_array()) check_list(schema, value, pointer);
        if (value.is_object()) check_object(schema, value, pointer);
    }

private:
    const json& resolve(const std::string& reference) const {
        if (!reference.starts_with(reference_prefix)) throw std::logic_error("schema: cannot follow " + reference);
        return definitions_.at(reference.substr(reference_prefix.size()));
    }

    void add(const std::string& pointer, const char* code, std::string detail) {
        faults_.push_back({pointer, code, std::move(detail)});
    }

    /// When none fits, the faults of the first that has the right type say most.
    void check_any(const json& choices, const json& value, const std::string& pointer) {
        std::vector<FieldError> nearest;
        for (const json& choice : choices) {
            std::vector<FieldError> faults;
            Checker(definitions_, faults).check(choice, value, pointer);
            if (faults.empty()) return;
            const bool wrong_type = faults.size() == 1 && faults[0].code == "type" && faults[0].pointer == pointer;
            if (nearest.empty() || !wrong_type) nearest = std::move(faults);
        }
        faults_.insert(faults_.end(), nearest.begin(), nearest.end());
    }

    bool check_type(const json& schema, const json& value, const std::string& pointer) {
        const auto type = schema.find("type");
        if (type == schema.end()) return true;
        std::vector<std::string> types;
        if (type->is_array()) {
            types = type->get<std::vector<std::string>>();
        } else {
            types.push_back(type->get<std::string>());
        }
        if (std::ranges::any_of(types, [&](const std::string& one) { return has_type(value, one); })) return true;
        add(pointer, "type", fmt::format("is {}, but must be {}", value.type_name(), fmt::join(types, " or ")));
        return false;
    }

    void check_choice(const json& schema, const json& value, const std::string& pointer) {
        if (const auto constant = schema.find("const"); constant != schema.end() && value != *constant) {
            add(pointer, "choice", fmt::format("must be {}", constant->dump()));
        }
        const auto choices = schema.find("enum");
        if (choices == schema.end() || std::ranges::find(*choices, value) != choices->end()) return;
        std::vector<std::string> names;
        for (const json& choice : *choices)
            names.push_back(choice.is_string() ? choice.get<std::string>() : choice.dump());
        add(pointer, "choice", fmt::format("must be one of {}", fmt::join(names, ", ")));
    }

    void check_number(const json& schema, const json& value, const std::string& pointer) {
        const double number = value.get<double>();
        const bool low = schema.contains("minimum") && number < schema["minimum"].get<double>();
        const bool high = schema.contains("maximum") && number > schema["maximum"].get<double>();
        if (!low && !high) return;
        const std::string from = schema.contains("minimum") ? schema["minimum"].dump() : "";
        const std::string to = schema.contains("maximum") ? schema["maximum"].dump() : "";
        add(pointer, "range", fmt::format("{} is not within {}–{}", value.dump(), from, to));
    }

    void check_text(const json& schema, const json& value, const std::string& pointer) {
        const std::size_t length = characters(value.get_ref<const std::string&>());
        if (schema.contains("minLength") && length < schema["minLength"].get<std::size_t>()) {
            add(pointer, "length",
                length == 0 ? "must not be empty"
                            : fmt::format("is shorter than {} characters", schema["minLength"].dump()));
        }
        if (schema.contains("maxLength") && length > schema["maxLength"].get<std::size_t>()) {
            add(pointer, "length", fmt::format("is longer than {} characters", schema["maxLength"].dump()));
        }
    }

    void check_list(const json& schema, const json& value, const std::string& pointer) {
        if (schema.contains("minItems") && value.size() < schema["minItems"].get<std::size_t>()) {
            add(pointer, "length", fmt::format("has fewer than {} items", schema["minItems"].dump()));
        }
        if (schema.contains("maxItems") && value.size() > schema["maxItems"].get<std::size_t>()) {
            add(pointer, "length", fmt::format("has more than {} items", schema["maxItems"].dump()));
            return;
        }
        const auto items = schema.find("items");
        if (items == schema.end()) return;
        for (std::size_t i = 0; i < value.size(); ++i) check(*items, value[i], fmt::format("{}/{}", pointer, i));
    }

    void check_object(const json& schema, const json& value, const std::string& pointer) {
        const json properties = schema.value("properties", json::object());
        for (const auto& [name, member] : value.items()) {
            const std::string at = pointer + "/" + pointer_segment(name);
            if (const auto known = properties.find(name); known != properties.end()) {
                check(*known, member, at);
            } else if (const auto others = schema.find("additionalProperties"); others != schema.end()) {
                if (*others == false) add(at, "unknown", "there is no such member");
                if (others->is_object()) check(*others, member, at);
            }
        }
        for (const json& name : schema.value("required", json::array())) {
            if (!value.contains(name.get_ref<const std::string&>())) {
                add(pointer + "/" + pointer_segment(name.get<std::string>()), "missing", "is missing");
            }
        }
    }

    const json& definitions_;
    std::vector<FieldError>& faults_;
};

}  // namespace

std::vector<FieldError> schema_faults(const json& schema, const json& value, const json& definitions) {
    std::vector<FieldError> faults;
    Checker(definitions, faults).check(schema, value, "");
    return faults;
}

json parse_body(std::string_view text) {
    // The library takes a zero for the end, and what follows for nothing.
    if (text.find('\0') != std::string_view::npos) {
        throw ProblemError(400, "malformed_json", "The body is not JSON: it has a zero byte.");
    }
    if (json_depth(text) > depth_max) {
        throw ProblemError(400, "malformed_json", fmt::format("The body is nested more than {} deep.", depth_max));
    }
    try {
        return json::parse(text.begin(), text.end());
    } catch (const json::exception& fault) {
        // Its text is "[json.exception.parse_error.101] parse error at line 1, column 2: … last read: …".
        std::string what = fault.what();
        if (const auto end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
        if (const auto read = what.find("; last read"); read != std::string::npos) what.erase(read);
        throw ProblemError(400, "malformed_json", "The body is not JSON: " + what + ".");
    }
}

namespace schema {

json text(std::size_t length_max) {
    return {{"type", "string"}, {"maxLength", length_max}};
}

json required_text(std::size_t length_max) {
    return {{"type", "string"}, {"minLength", 1}, {"maxLength", length_max}};
}

json integer(std::int64_t min, std::int64_t max) {
    return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

json number() {
    return {{"type", "number"}};
}

json boolean() {
    return {{"type", "boolean"}};
}

json time() {
    return {{"type", "string"}, {"format", "date-time"}};
}

json choice(const std::vector<std::string>& values) {
    return {{"type", "string"}, {"enum", values}};
}

json list_of(json items) {
    return {{"type", "array"}, {"items", std::move(items)}};
}

json any() {
    return json::object();
}

json any_object() {
    return {{"type", "object"}};
}

json optional(json of) {
    json types = of.contains("type") ? of["type"] : json();
    if (types.is_string() && !of.contains("enum") && !of.contains("$ref")) {
        of["type"] = json::array({types, "null"});
        return of;
    }
    return {{"anyOf", json::array({std::move(of), json{{"type", "null"}}})}};
}

json object(std::vector<std::pair<std::string, json>> members) {
    json properties = json::object();
    json required = json::array();
    for (auto& [name, member] : members) {
        const bool may_miss = name.ends_with('?');
        if (may_miss) name.pop_back();
        if (!may_miss) required.push_back(name);
        properties[name] = std::move(member);
    }
    json made = {{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
    if (!required.empty()) made["required"] = std::move(required);
    return made;
}

json page_of(json items) {
    return object({{"items", list_of(std::move(items))},
                   {"next_cursor", optional(text())},
                   {"prev_cursor", optional(text())},
                   {"total", object({{"value", integer(0, INT64_MAX)}, {"exact", boolean()}})}});
}

}  // namespace schema

}  // namespace quicksilver::api
