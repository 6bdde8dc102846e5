#include "config_editing.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace quicksilver::api {

namespace {

bool names(const Ordered& rule, const std::string& module) {
    const auto value = rule.find("processing_module");
    if (value == rule.end()) return false;
    if (value->is_string()) return *value == module;
    return value->is_array() && std::ranges::find(*value, Ordered(module)) != value->end();
}

void check_removal(const Ordered& document, const std::string& name) {
    std::vector<std::string> users;
    const Ordered rules = document.value("rules", Ordered::object());
    for (const auto& [rule, value] : rules.items()) {
        if (names(value, name)) users.push_back("rule " + rule);
    }
    if (users.empty()) return;
    throw ProblemError(409, "in_use", fmt::format("The module {} is used by {}.", name, fmt::join(users, ", ")))
        .with("used_by", users);
}

void rename(Ordered& document, const std::string& from, const std::string& to) {
    if (!document.contains("rules")) return;
    for (Ordered& rule : document["rules"]) {
        if (!names(rule, from)) continue;
        Ordered& value = rule["processing_module"];
        if (value.is_string()) value = to;
        if (!value.is_array()) continue;
        for (Ordered& item : value) {
            if (item == from) item = to;
        }
    }
}

}  // namespace

void add_module_operations(Api& api) {
    api.define("Module", {{"type", "object"}, {"x-settings", fields_schema(module_fields())}});
    add_config_object_operations(api, module_kind(), check_removal, rename);
}

}  // namespace quicksilver::api
