#include "quicksilver/http/problem.hpp"

#include "config_editing.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace quicksilver::api {

namespace {

/// Members of a rule that name targets: one, or a list.
constexpr std::array<const char*, 3> rule_members = {"target", "dynamic_routing_allowed_targets",
                                                     "conditional_alternate_target"};

/// Members of a target that name others.
constexpr std::array<const char*, 2> target_members = {"failover", "members"};

bool names(const Ordered& value, const std::string& target) {
    if (value.is_string()) return value == target;
    return value.is_array() && std::ranges::find(value, Ordered(target)) != value.end();
}

void replace(Ordered& value, const std::string& from, const std::string& to) {
    if (value.is_string() && value == from) value = to;
    if (!value.is_array()) return;
    for (Ordered& item : value) {
        if (item == from) item = to;
    }
}

/// What refers to the target, as `rule chest`, `target backup`.
std::vector<std::string> users_of(const Ordered& document, const std::string& target) {
    std::vector<std::string> users;
    const Ordered rules = document.value("rules", Ordered::object());
    for (const auto& [name, rule] : rules.items()) {
        const bool used = std::ranges::any_of(
            rule_members, [&](const char* member) { return rule.contains(member) && names(rule[member], target); });
        if (used) users.push_back("rule " + name);
    }
    const Ordered targets = document.value("targets", Ordered::object());
    for (const auto& [name, other] : targets.items()) {
        const bool used = std::ranges::any_of(
            target_members, [&](const char* member) { return other.contains(member) && names(other[member], target); });
        if (used) users.push_back("target " + name);
    }
    return users;
}

void check_removal(const Ordered& document, const std::string& name) {
    const auto users = users_of(document, name);
    if (users.empty()) return;
    throw ProblemError(409, "in_use", fmt::format("The target {} is used by {}.", name, fmt::join(users, ", ")))
        .with("used_by", users);
}

void rename(Ordered& document, const std::string& from, const std::string& to) {
    if (document.contains("rules")) {
        for (Ordered& rule : document["rules"]) {
            for (const char* member : rule_members) {
                if (rule.contains(member)) replace(rule[member], from, to);
            }
        }
    }
    for (Ordered& target : document["targets"]) {
        for (const char* member : target_members) {
            if (target.contains(member)) replace(target[member], from, to);
        }
    }
}

HttpResponse list_types() {
    Json types = Json::array();
    for (const std::string_view type : target_types()) {
        types.push_back(
            {{"type", type}, {"title", target_type_title(type)}, {"schema", fields_schema(target_fields(type))}});
    }
    return make_json({{"items", std::move(types)}});
}

}  // namespace

void add_target_operations(Api& api) {
    Json variants = Json::array();
    for (const std::string_view type : target_types()) variants.push_back(fields_schema(target_fields(type)));
    // What a file says may lack what is required; the loader's findings tell. So the shape alone is promised.
    api.define("Target", {{"type", "object"}, {"x-variants", std::move(variants)}});
    const Json type =
        schema::object({{"type", schema::text()}, {"title", schema::text()}, {"schema", schema::any_object()}});
    api.read({.method = "GET",
              .path = "/target-types",
              .id = "listTargetTypes",
              .summary = "The kinds of targets with their settings",
              .tag = "targets",
              .answer = schema::object({{"items", schema::list_of(type)}})},
             [](Call&) { return list_types(); });
    add_config_object_operations(api, target_kind(), check_removal, rename);
}

}  // namespace quicksilver::api
