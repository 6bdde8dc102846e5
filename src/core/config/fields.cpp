#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

/// The row of the type that the target names; when it names none, of whichever type has the key.
const ConfigField* find_target_field(const Json& document, const std::string& name, std::string_view key) {
    const Json* target = find_member(document, "targets");
    target = target ? find_member(*target, name) : nullptr;
    const Json* type = target ? find_member(*target, "target_type") : nullptr;
    if (type && type->is_string()) {
        if (const FieldTable fields = target_fields(type->get<std::string>()); !fields.empty()) {
            return find_field(fields, key);
        }
    }
    return find_field_of_any_target(key);
}

}  // namespace

bool is_text_like(FieldType type) {
    switch (type) {
        case FieldType::text:
        case FieldType::ae_title:
        case FieldType::host:
        case FieldType::path:
        case FieldType::url:
        case FieldType::choice:
        case FieldType::time_of_day:
        case FieldType::disk_space:
        case FieldType::transfer_syntax:
            return true;
        default:
            return false;
    }
}

std::vector<std::string_view> choices_of(const ConfigField& field) {
    std::vector<std::string_view> all;
    std::string_view rest = field.choices;
    while (!rest.empty()) {
        const std::string_view choice = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), choice.size() + 1));
        all.push_back(choice == "-" ? std::string_view("") : choice);
    }
    return all;
}

const Json* find_member(const Json& object, std::string_view key) {
    if (!object.is_object()) return nullptr;
    const auto& members = object.get_ref<const Json::object_t&>();
    const auto found =
        std::ranges::find(members, key, [](const auto& member) -> std::string_view { return member.first; });
    return found == members.end() ? nullptr : &found->second;
}

const ConfigField* find_field_of_any_target(std::string_view key) {
    for (const std::string_view type : target_types()) {
        if (const ConfigField* field = find_field(target_fields(type), key)) return field;
    }
    return nullptr;
}

Json default_value(const ConfigField& field) {
    if (!field.has_default()) return nullptr;
    return is_text_like(field.type) ? Json(field.default_text) : Json::parse(field.default_text);
}

const ConfigField* find_field(FieldTable fields, std::string_view key) {
    const auto found = std::ranges::find(fields, key, &ConfigField::key);
    return found == fields.end() ? nullptr : &*found;
}

const ConfigField* find_field_of_path(const Json& document, std::span<const std::string> path) {
    if (path.size() >= 3) {
        if (path[0] == "targets") return find_target_field(document, path[1], path[2]);
        if (path[0] == "rules") return find_field(rule_fields(), path[2]);
        if (path[0] == "modules") return find_field(module_fields(), path[2]);
    }
    // The longest beginning of the path that is a key: `dicom.tls.port`, or `features` for `features.dummy_target`.
    for (std::size_t length = path.size(); length > 0; --length) {
        if (const ConfigField* field =
                find_field(setting_fields(), fmt::format("{}", fmt::join(path.first(length), ".")))) {
            return field;
        }
    }
    return nullptr;
}

}  // namespace quicksilver
