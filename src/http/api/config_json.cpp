#include "config_json.hpp"

#include "quicksilver/core/config_report.hpp"
#include "quicksilver/core/json_diff.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::api {

using nlohmann::json;

namespace {

constexpr std::string_view mask = "********";

bool is_hidden(const Ordered& shown) {
    return shown.is_object() && shown.size() == 1 && shown.contains("set") && shown["set"] == true;
}

Ordered show(const Ordered& raw, const Ordered& masked) {
    if (masked.is_string() && masked == mask && raw != masked) return {{"set", true}};
    if (!raw.is_object() || !masked.is_object()) return masked;
    Ordered shown = Ordered::object();
    for (const auto& [key, value] : masked.items()) shown[key] = raw.contains(key) ? show(raw.at(key), value) : value;
    return shown;
}

/// Of a setting that is JSON in a string: the members that stayed masked, from what was there.
void unmask(Ordered& sent, const Ordered& before) {
    if (!sent.is_object() || !before.is_object()) return;
    for (auto& [key, value] : sent.items()) {
        const auto old = before.find(key);
        if (old == before.end()) continue;
        if (value == mask) value = *old;
        unmask(value, *old);
    }
}

Ordered with_members_of_text(const std::string& sent, const std::string& before) {
    if (sent.find(mask) == std::string::npos) return sent;
    Ordered members = Ordered::parse(sent, nullptr, false, true);
    const Ordered old = Ordered::parse(before, nullptr, false, true);
    if (!members.is_object() || !old.is_object()) return sent;
    unmask(members, old);
    return members.dump();
}

/// `{"set": true}`, with or without its date.
bool stands_for_secret(const Ordered& value) {
    return value.is_object() && value.value("set", Ordered()) == true &&
           value.size() == (value.contains("changed_at") ? 2 : 1);
}

/// The mask itself, as a password within an address, or as a member of JSON in a string.
bool has_mask(const std::string& text) {
    return text == mask || text.find(fmt::format(":{}@", mask)) != std::string::npos ||
           text.find(fmt::format("\"{}\"", mask)) != std::string::npos;
}

void find_masks(const Ordered& taken, const Ordered& before, const std::string& pointer,
                std::vector<FieldError>& faults) {
    if (taken == before) return;
    const bool is_masked = taken.is_string() && has_mask(taken.get_ref<const std::string&>());
    if (is_masked || stands_for_secret(taken)) {
        faults.push_back(
            {pointer, "masked",
             fmt::format("has {} where a secret belongs, and there is none to keep: write the secret there, "
                         "or send a value that has one as it is shown",
                         is_masked ? mask : "{\"set\": true}")});
        return;
    }
    if (!taken.is_structured()) return;
    const Ordered nothing;
    for (const auto& [key, value] : taken.items()) {
        const bool in_object = before.is_object() && before.contains(key);
        const bool in_list = before.is_array() && taken.is_array() && std::stoul(key) < before.size();
        const Ordered& old = in_object ? before.at(key) : in_list ? before.at(std::stoul(key)) : nothing;
        find_masks(value, old, pointer + "/" + pointer_segment(key), faults);
    }
}

const char* json_type(FieldType type) {
    switch (type) {
        case FieldType::boolean:
            return "boolean";
        case FieldType::integer:
        case FieldType::port:
            return "integer";
        case FieldType::duration:
        case FieldType::number:
            return "number";
        case FieldType::text_list:
        case FieldType::list:
            return "array";
        case FieldType::text_map:
        case FieldType::boolean_map:
        case FieldType::object:
        case FieldType::named_objects:
            return "object";
        case FieldType::object_or_list:
        case FieldType::json_text:
            return nullptr;
        default:
            return "string";
    }
}

const char* type_name(FieldType type) {
    switch (type) {
        case FieldType::text:
            return "text";
        case FieldType::boolean:
            return "boolean";
        case FieldType::integer:
            return "integer";
        case FieldType::number:
            return "number";
        case FieldType::duration:
            return "duration";
        case FieldType::port:
            return "port";
        case FieldType::ae_title:
            return "ae_title";
        case FieldType::host:
            return "host";
        case FieldType::path:
            return "path";
        case FieldType::url:
            return "url";
        case FieldType::choice:
            return "choice";
        case FieldType::time_of_day:
            return "time_of_day";
        case FieldType::disk_space:
            return "disk_space";
        case FieldType::transfer_syntax:
            return "transfer_syntax";
        case FieldType::text_list:
            return "text_list";
        case FieldType::text_map:
            return "text_map";
        case FieldType::boolean_map:
            return "boolean_map";
        case FieldType::object:
            return "object";
        case FieldType::object_or_list:
            return "object_or_list";
        case FieldType::json_text:
            return "json_text";
        case FieldType::list:
            return "list";
        case FieldType::named_objects:
            break;
    }
    return "named_objects";
}

std::vector<std::string> choices_of(std::string_view text) {
    std::vector<std::string> choices;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        choices.emplace_back(one == "-" ? "" : one);
    }
    return choices;
}

json field_schema(const ConfigField& field) {
    json schema = {{"description", field.help}, {"x-type", type_name(field.type)}};
    if (const char* type = json_type(field.type)) schema["type"] = type;
    if (field.has_default()) schema["default"] = json(default_value(field));
    if (!field.unit.empty()) schema["x-unit"] = field.unit;
    if (!field.group.empty()) schema["x-group"] = field.group;
    if (!field.choices.empty()) schema["enum"] = choices_of(field.choices);
    if (field.min > std::numeric_limits<double>::lowest()) schema["minimum"] = field.min;
    if (field.max < std::numeric_limits<double>::max()) schema["maximum"] = field.max;
    if (field.secret) schema["x-secret"] = true;
    if (field.needs_restart) schema["x-needs-restart"] = true;
    if (!field.no_effect.empty()) schema["x-no-effect"] = field.no_effect;
    if (!field.items.empty()) schema["items"] = fields_schema(field.items);
    return schema;
}

}  // namespace

Ordered shown_config(const Ordered& document) {
    return show(document, masked_config(document));
}

Ordered with_secrets(const json& sent, const Ordered& before, const Ordered& before_shown) {
    if (is_hidden(before_shown) && !is_hidden(before)) {
        const bool as_shown = sent.is_object() && sent.contains("set");
        return as_shown ? before : Ordered(sent);
    }
    if (!sent.is_object()) {
        // An address with a masked password in it, sent back as it was shown.
        const bool as_shown = before != before_shown && Ordered(sent) == before_shown;
        if (as_shown) return before;
        return sent.is_string() && before.is_string() ? with_members_of_text(sent, before) : Ordered(sent);
    }
    if (!before.is_object()) return Ordered(sent);
    Ordered taken = Ordered::object();
    for (const auto& [key, value] : before.items()) {
        const bool is_secret = is_hidden(before_shown.at(key)) && !is_hidden(value);
        if (sent.contains(key)) {
            if (sent.at(key).is_null() && (is_secret || !value.is_null())) continue;
            taken[key] = with_secrets(sent.at(key), value, before_shown.at(key));
        } else if (is_secret) {
            taken[key] = value;
        }
    }
    for (const auto& [key, value] : sent.items()) {
        if (!before.contains(key)) taken[key] = Ordered(value);
    }
    return taken;
}

json with_patch(json shown, const json& patch) {
    if (!patch.is_object()) return patch;
    const bool is_secret = shown.is_object() && shown.value("set", json()) == true;
    if (!shown.is_object() || is_secret) shown = json::object();
    for (const auto& [key, value] : patch.items()) {
        if (!value.is_null()) {
            shown[key] = with_patch(shown.value(key, json()), value);
        } else if (shown.contains(key)) {
            shown[key] = nullptr;
        }
    }
    return shown;
}

std::vector<FieldError> masks_in(const Ordered& taken, const Ordered& before) {
    std::vector<FieldError> faults;
    find_masks(taken, before, "", faults);
    return faults;
}

json fields_schema(FieldTable fields) {
    json properties = json::object();
    json required = json::array();
    for (const ConfigField& field : fields) {
        properties[std::string(field.key)] = field_schema(field);
        if (field.required) required.push_back(field.key);
    }
    return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
}

std::vector<FieldError> unknown_members(const json& object, const Ordered& before, FieldTable fields) {
    std::vector<FieldError> faults;
    for (const auto& [key, value] : object.items()) {
        if (find_field(fields, key) || (before.is_object() && before.contains(key))) continue;
        faults.push_back({"/" + pointer_segment(key), "unknown", "there is no such setting"});
    }
    return faults;
}

std::vector<FieldError> faults_of(const std::vector<ConfigProblem>& problems, ProblemSeverity severity,
                                  const std::string& prefix) {
    std::vector<FieldError> faults;
    for (const ConfigProblem& problem : problems) {
        if (problem.severity != severity) continue;
        const char* code = severity == ProblemSeverity::error ? "invalid" : "warning";
        const bool own = !prefix.empty() && problem.path.starts_with(prefix);
        std::string rest = own ? problem.path.substr(prefix.size()) : "." + problem.path;
        if (own && !rest.empty() && rest.front() != '.') {
            faults.push_back({"", code, problem.path + ": " + problem.message});
            continue;
        }
        std::ranges::replace(rest, '.', '/');
        faults.push_back({own ? rest : problem.path.empty() ? "" : rest, code, problem.message});
    }
    return faults;
}

std::string path_of(const std::string& plural, const std::string& name) {
    const bool plain = !name.empty() && name.find_first_of(".[]\"") == std::string::npos;
    return plain ? fmt::format("{}.{}", plural, name) : fmt::format("{}[\"{}\"]", plural, name);
}

}  // namespace quicksilver::api
