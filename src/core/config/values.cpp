#include "values.hpp"

#include "fields.hpp"
#include "parse.hpp"
#include "scalars.hpp"
#include "secrets.hpp"
#include "targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

const Json& empty_object() {
    static const Json empty = Json::object();
    return empty;
}

/// An object, or an empty list, which Python's loaders take for an empty object.
const Json* as_object(const Json& value) {
    if (value.is_object()) return &value;
    return value.is_array() && value.empty() ? &empty_object() : nullptr;
}

/// Where the empty text is no value of its own. An empty `ip` is one: mercure has it, and it must not become another.
bool empty_means_default(const ConfigField& field) {
    if (!is_text_like(field.type)) return true;
    const bool is_name = field.type == FieldType::host || field.type == FieldType::ae_title;
    return (is_name && !field.required) || field.type == FieldType::disk_space;
}

bool is_not_given(const ConfigField& field, const Json& value) {
    return value.is_null() || (value == "" && empty_means_default(field));
}

void add_member(Json& object, std::string_view key, Json value) {
    object.get_ref<Json::object_t&>().emplace_back(std::string(key), std::move(value));
}

Json read_text_list(const Json& value, const std::string& path, Reading& reading) {
    Json list = Json::array();
    const auto add = [&](const Json& item, const std::string& item_path) {
        const auto text = read_text(item);
        if (!text) reading.findings.error(item_path, text.error().message);
        if (text && !text->empty()) list.push_back(*text);
    };
    if (value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) add(value[i], fmt::format("{}[{}]", path, i));
    } else {
        add(value, path);
    }
    return list;
}

template <class Read>
std::optional<Json> read_map(const Json& value, const std::string& path, Reading& reading, Read read) {
    const Json* object = as_object(value);
    if (!object) {
        reading.findings.error(path, fmt::format("is {}, not an object", describe(value)));
        return std::nullopt;
    }
    Json map = Json::object();
    for (const auto& [key, member] : object->items()) {
        const auto read_member = read(member);
        if (!read_member) reading.findings.error(child_path(path, key), read_member.error().message);
        if (read_member) add_member(map, key, *read_member);
    }
    return map;
}

std::optional<Json> read_free_object(const ConfigField& field, const Json& value, const std::string& path,
                                     Reading& reading) {
    if (const Json* object = as_object(value)) return *object;
    const bool list_allowed = field.type == FieldType::object_or_list && value.is_array();
    if (list_allowed && std::ranges::all_of(value, [](const Json& item) { return item.is_object(); })) return value;
    reading.findings.error(path, field.type == FieldType::object_or_list
                                     ? fmt::format("is {}, not an object or a list of objects", describe(value))
                                     : fmt::format("is {}, not an object", describe(value)));
    return std::nullopt;
}

/// mercure keeps these as text that its processor parses at each run, so a mistake in them must not stop the server.
std::optional<Json> read_json_text(const Json& value, const std::string& path, Reading& reading) {
    if (const Json* object = as_object(value)) return *object;
    if (!value.is_string()) {
        reading.findings.error(path, fmt::format("is {}, neither an object nor JSON in a string", describe(value)));
        return std::nullopt;
    }
    const auto& text = value.get_ref<const std::string&>();
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) return std::nullopt;
    Findings inner;
    if (auto parsed = parse_config_json(text, inner)) return parsed;
    const auto problems = inner.take();
    reading.findings.warning(path, fmt::format("the JSON in this string cannot be read ({}), so the module cannot run",
                                               problems.front().message));
    return value;
}

std::optional<Json> read_list(const ConfigField& field, const Json& value, const std::string& path, Reading& reading) {
    if (!value.is_array()) {
        reading.findings.error(path, fmt::format("is {}, not a list", describe(value)));
        return std::nullopt;
    }
    if (field.items.empty()) return value;
    Json list = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
        list.push_back(read_object(field.items, value[i], fmt::format("{}[{}]", path, i), reading));
    }
    return list;
}

Json read_named(const ConfigField& field, const Json& value, const std::string& path, Reading& reading) {
    if (field.key == "targets") return read_target(value, path, reading);
    return read_object(field.key == "rules" ? rule_fields() : module_fields(), value, path, reading);
}

std::optional<Json> read_named_objects(const ConfigField& field, const Json& value, const std::string& path,
                                       Reading& reading) {
    const Json* object = as_object(value);
    if (!object) {
        reading.findings.error(path, fmt::format("is {}, not an object of name → {}", describe(value),
                                                 field.key.substr(0, field.key.size() - 1)));
        return std::nullopt;
    }
    Json all = Json::object();
    for (const auto& [name, member] : object->items()) {
        add_member(all, name, read_named(field, member, child_path(path, name), reading));
    }
    return all;
}

std::optional<Json> read_one_value(const ConfigField& field, const Json& value, const std::string& path,
                                   Reading& reading) {
    auto scalar = read_scalar(field, value);
    if (!scalar && field.lenient) {
        reading.findings.warning(path, fmt::format("{}; read as {}", scalar.error().message, field.default_text));
        return std::nullopt;
    }
    if (!scalar) {
        reading.findings.error(path, scalar.error().message);
        return std::nullopt;
    }
    if (!scalar->remark.empty()) reading.findings.warning(path, scalar->remark);
    return std::move(scalar->value);
}

/// The member of that field, or its default, or nothing.
std::optional<Json> read_member(const ConfigField& field, const Json* member, const std::string& path,
                                Reading& reading) {
    const bool given = member && !is_not_given(field, *member);
    if (!given && field.required) reading.findings.error(path, fmt::format("is missing. {}", field.help));
    auto value = given ? read_value(field, *member, path, reading) : std::nullopt;
    if (given && value && field.required && *value == "") {
        reading.findings.warning(path, "is empty, so nothing can be delivered");
    }
    if (given && !field.no_effect.empty() && value != default_value(field)) {
        reading.findings.note(path, fmt::format("has no effect: {}", field.no_effect));
    }
    const bool is_blank = value && *value == "" && empty_means_default(field);
    if ((!value || is_blank) && field.has_default()) value = default_value(field);
    return value;
}

void keep_unknown(Json& out, const Json& source, const std::vector<std::string_view>& known, const std::string& path,
                  Reading& reading) {
    for (const auto& [key, member] : source.items()) {
        if (std::ranges::find(known, key) != known.end()) continue;
        const bool is_comment = key.starts_with('_') || key.starts_with("//");
        if (!is_comment) {
            reading.findings.warning(child_path(path, key), fmt::format("no such setting{}", did_you_mean(key, known)));
        }
        add_member(out, key, member);
    }
}

/// The part of the table whose keys begin with `prefix`: `dicom.` is the object `dicom`.
Json read_section(FieldTable fields, const std::string& prefix, const Json& given, const std::string& path,
                  Reading& reading) {
    const Json* source = as_object(given);
    if (!source) {
        reading.findings.error(path, fmt::format("is {}, not an object", describe(given)));
        source = &empty_object();
    }
    Json out = Json::object();
    std::vector<std::string_view> known;
    for (const ConfigField& field : fields) {
        if (!field.key.starts_with(prefix)) continue;
        const std::string_view rest = field.key.substr(prefix.size());
        const std::string_view name = rest.substr(0, rest.find('.'));
        if (std::ranges::find(known, name) != known.end()) continue;
        known.push_back(name);

        const Json* member = find_member(*source, name);
        const std::string member_path = child_path(path, name);
        if (name.size() < rest.size()) {
            const Json& section = member && !member->is_null() ? *member : empty_object();
            add_member(out, name,
                       read_section(fields, fmt::format("{}{}.", prefix, name), section, member_path, reading));
        } else if (auto value = read_member(field, member, member_path, reading)) {
            add_member(out, name, std::move(*value));
        }
    }
    keep_unknown(out, *source, known, path, reading);
    return out;
}

}  // namespace

std::optional<Json> read_value(const ConfigField& field, const Json& value, const std::string& path, Reading& reading) {
    if (is_not_given(field, value)) return std::nullopt;
    if (field.secret && value.is_object()) return read_secret(value, path, reading);
    switch (field.type) {
        case FieldType::text_list:
            return read_text_list(value, path, reading);
        case FieldType::text_map:
            return read_map(value, path, reading, read_text);
        case FieldType::boolean_map:
            return read_map(value, path, reading, read_boolean);
        case FieldType::object:
        case FieldType::object_or_list:
            return read_free_object(field, value, path, reading);
        case FieldType::json_text:
            return read_json_text(value, path, reading);
        case FieldType::list:
            return read_list(field, value, path, reading);
        case FieldType::named_objects:
            return read_named_objects(field, value, path, reading);
        default:
            return read_one_value(field, value, path, reading);
    }
}

Json read_object(FieldTable fields, const Json& source, const std::string& path, Reading& reading) {
    return read_section(fields, "", source, path, reading);
}

}  // namespace quicksilver
