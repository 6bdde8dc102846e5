#include "overrides.hpp"

#include "fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view prefix = "QUICKSILVER_";

/// Variables of ours that are no settings.
constexpr std::array<std::string_view, 8> reserved{
    "CONFIG", "DATA", "LOG_LEVEL", "LOG_FORMAT", "ADMIN_PASSWORD_HASH", "CRASH_AT", "UPDATE_DOCS", "SETUP_CODE"};

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

/// The keys that may stand at the beginning: `port`, `http`, `targets` …
std::vector<std::string_view> first_keys() {
    std::vector<std::string_view> keys;
    for (const ConfigField& field : setting_fields()) {
        const std::string_view key = field.key.substr(0, field.key.find('.'));
        if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
    }
    return keys;
}

bool is_known_beginning(std::string_view key) {
    const auto keys = first_keys();
    return std::ranges::find(keys, key) != keys.end();
}

/// Names of targets, rules and modules may have dots and capital letters: what the document has already is meant.
/// Returns the length of the longest key of `object` that `rest` begins with, up to its end or a separator.
std::size_t existing_key(const Json& object, std::string_view rest, std::string_view separator, bool fold_case,
                         std::string& key) {
    std::size_t longest = 0;
    if (!object.is_object()) return longest;
    for (const auto& [name, member] : object.items()) {
        const std::string_view beginning = rest.substr(0, name.size());
        const bool begins = fold_case ? lower_case(beginning) == lower_case(name) : beginning == name;
        const bool ends = begins && (rest.size() == name.size() || rest.substr(name.size()).starts_with(separator));
        if (!ends || name.size() <= longest) continue;
        longest = name.size();
        key = name;
    }
    return longest;
}

std::vector<std::string> split_path(const Json& document, std::string_view text, std::string_view separator,
                                    bool fold_case) {
    std::vector<std::string> path;
    const Json* here = &document;
    while (true) {
        std::string key;
        std::size_t length = here ? existing_key(*here, text, separator, fold_case, key) : 0;
        if (length == 0) {
            length = std::min(text.find(separator), text.size());
            key = fold_case ? lower_case(text.substr(0, length)) : std::string(text.substr(0, length));
        }
        here = here ? find_member(*here, key) : nullptr;
        path.push_back(std::move(key));
        if (length == text.size()) return path;
        text.remove_prefix(length + separator.size());
    }
}

/// The text as it stands where the setting is a text, so that `appliance_name=1.0` stays what was typed; elsewhere JSON
/// when it is JSON. The reader coerces "60" and "true".
Json parse_value(const Json& document, const std::vector<std::string>& path, std::string_view text) {
    const ConfigField* field = find_field_of_path(document, path);
    const bool is_reference = field && field->secret && text.starts_with('{');
    if (field && is_text_like(field->type) && !is_reference) return Json(text);
    Json value = Json::parse(text.begin(), text.end(), nullptr, false);
    return value.is_discarded() ? Json(text) : value;
}

/// Makes the objects on the way. False when there is something else than an object.
bool put(Json& document, const std::vector<std::string>& path, Json value) {
    Json* here = &document;
    for (const std::string& key : path) {
        if (here->is_null()) *here = Json::object();
        if (!here->is_object()) return false;
        here = &(*here)[key];
    }
    *here = std::move(value);
    return true;
}

/// The shell takes any bytes; in the document everything is UTF-8.
std::string as_utf8(std::string_view text) {
    return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

struct Given {
    std::string key, value;
    std::string_view separator;
    ConfigOrigin origin;
    std::string by;
};

void apply(const Given& given, Json& document, std::vector<ConfigOverride>& applied, Findings& findings) {
    const bool from_environment = given.origin == ConfigOrigin::environment;
    auto path = split_path(document, given.key, given.separator, from_environment);
    if (!is_known_beginning(path.front())) {
        const std::string message = fmt::format("no such setting{}", did_you_mean(path.front(), first_keys()));
        // Variables may be there for others; who types a setting wants it.
        from_environment ? findings.warning(given.by, message) : findings.error(given.by, message);
        return;
    }
    if (!put(document, path, parse_value(document, path, given.value))) {
        findings.error(given.by, fmt::format("{} goes through a value that is no object", path_text(path)));
        return;
    }
    applied.push_back({std::move(path), given.origin, given.by});
}

}  // namespace

std::vector<ConfigOverride> apply_overrides(Json& document, const ConfigSources& sources, Findings& findings) {
    std::vector<ConfigOverride> applied;
    for (const auto& [name, value] : sources.environment) {
        if (!name.starts_with(prefix)) continue;
        const std::string_view key = std::string_view(name).substr(prefix.size());
        if (key.empty() || std::ranges::find(reserved, key) != reserved.end()) continue;
        apply({as_utf8(key), as_utf8(value), "__", ConfigOrigin::environment, name}, document, applied, findings);
    }
    for (const std::string& argument : sources.set) {
        const auto equals = argument.find('=');
        const std::string_view key = std::string_view(argument).substr(0, equals);
        const std::string by = fmt::format("--set {}", key);
        if (equals == std::string::npos || equals == 0) {
            findings.error(by, "is not KEY=VALUE");
            continue;
        }
        const std::string_view value = std::string_view(argument).substr(equals + 1);
        apply({as_utf8(key), as_utf8(value), ".", ConfigOrigin::command_line, by}, document, applied, findings);
    }
    return applied;
}

}  // namespace quicksilver
