#include "quicksilver/core/json_diff.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

using nlohmann::json;

namespace {

void compare(const json& before, const json& after, const std::string& path, json& changes) {
    if (before == after) return;
    if (!before.is_object() || !after.is_object()) {
        changes.push_back({{"op", "replace"}, {"path", path}, {"from", before}, {"to", after}});
        return;
    }
    for (const auto& [name, value] : before.items()) {
        const std::string at = path + "/" + pointer_segment(name);
        if (const auto now = after.find(name); now != after.end()) {
            compare(value, *now, at, changes);
        } else {
            changes.push_back({{"op", "remove"}, {"path", at}, {"from", value}});
        }
    }
    for (const auto& [name, value] : after.items()) {
        if (before.contains(name)) continue;
        changes.push_back({{"op", "add"}, {"path", path + "/" + pointer_segment(name)}, {"to", value}});
    }
}

}  // namespace

std::string pointer_segment(std::string_view name) {
    std::string escaped;
    for (const char c : name) {
        if (c == '~') {
            escaped += "~0";
        } else if (c == '/') {
            escaped += "~1";
        } else {
            escaped += c;
        }
    }
    return escaped;
}

json json_diff(const json& before, const json& after) {
    json changes = json::array();
    compare(before, after, "", changes);
    return changes;
}

}  // namespace quicksilver
