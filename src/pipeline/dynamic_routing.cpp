#include "quicksilver/pipeline/dynamic_routing.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* routing_key = "__mercure_routing";

bool is_true(const Json& wish, const char* key) {
    const auto found = wish.find(key);
    return found != wish.end() && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> texts(const Json& value) {
    std::vector<std::string> list;
    if (value.is_string() && !value.get<std::string>().empty()) list.push_back(value.get<std::string>());
    if (value.is_array()) {
        for (const Json& entry : value) {
            if (entry.is_string()) list.push_back(entry.get<std::string>());
        }
    }
    return list;
}

/// Why the module must not send there; empty when it may.
std::string objection(const std::string& target, const RuleConfig& rule, const Config& config) {
    const auto& allowed = rule.dynamic_routing_allowed_targets;
    if (!allowed.empty() && std::find(allowed.begin(), allowed.end(), target) == allowed.end()) {
        return fmt::format("the module asked for target {}, which rule {} does not allow", target, rule.name);
    }
    if (config.find_target(target) == nullptr) {
        return fmt::format("the module asked for target {}, which is not configured", target);
    }
    return "";
}

}  // namespace

DynamicRouting decide_dynamic_routing(const RuleConfig* rule, const Json& output, const Config& config) {
    DynamicRouting decision;
    if (!output.is_object() || !output.contains(routing_key)) return decision;
    const Json& wish = output[routing_key];
    if (rule == nullptr || !rule->dynamic_routing) {
        decision.notes.emplace_back("the module asked for a target, but its rule has no dynamic_routing");
        return decision;
    }
    if (!wish.is_object()) {
        decision.notes.emplace_back("the module's __mercure_routing is no JSON object");
        return decision;
    }
    if (is_true(wish, "discard")) {
        decision.discard = true;
        return decision;
    }
    const auto wanted = texts(wish.value("target", Json()));
    for (const std::string& target : wanted) {
        if (std::string reason = objection(target, *rule, config); !reason.empty()) {
            decision.notes.push_back(std::move(reason));
        }
    }
    if (!wanted.empty()) {
        // All or none, as in mercure: half of a wish is not what the module meant.
        if (decision.notes.empty()) decision.targets = wanted;
        return decision;
    }
    if (!is_true(wish, "use_alternate_target")) return decision;
    const std::string& alternate = rule->conditional_alternate_target;
    if (config.find_target(alternate) != nullptr) {
        decision.targets = std::vector<std::string>{alternate};
    } else {
        decision.notes.push_back(
            fmt::format("the module asked for the alternate target, but '{}' of rule {} is not "
                        "configured",
                        alternate, rule->name));
    }
    return decision;
}

}  // namespace quicksilver
