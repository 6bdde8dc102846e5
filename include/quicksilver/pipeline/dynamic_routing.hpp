#pragma once

#include "quicksilver/core/config.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// What a module's result says about where its task goes (contract §6.3, `__mercure_routing`).
struct DynamicRouting {
    bool discard = false;                             ///< deliver nowhere
    std::optional<std::vector<std::string>> targets;  ///< instead of the rule's
    std::vector<std::string> notes;                   ///< what was asked for and not followed, and why
};

/// Decides by the last module's result. Nothing changes unless the rule exists and has `dynamic_routing`. Pure.
DynamicRouting decide_dynamic_routing(const RuleConfig* rule, const nlohmann::ordered_json& output,
                                      const Config& config);

}  // namespace quicksilver
