#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/decision.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver::api {

/// A tag set as it is stored: a JSON object of texts.
Tags tags_of(const nlohmann::json& object);

/// What a rule's trial needs of it. Members that it lacks have the defaults of the configuration.
RuleConfig rule_of(const std::string& name, const nlohmann::json& object);

/// What another set of rules would have done to series of the past. Pure.
class Impact {
public:
    static constexpr std::size_t listed_max = 1000;  ///< series; beyond it only the numbers count

    Impact(const std::vector<RuleConfig>& before, const std::vector<RuleConfig>& after);

    void look_at(const std::string& series_uid, const Tags& tags);
    /// `module_s`: how long a run of each module usually takes; others count as nothing.
    nlohmann::json result(const std::map<std::string, double>& module_s) const;

private:
    void count(const std::vector<std::string>& triggered, const std::vector<RuleConfig>& configured, int sign);

    std::vector<RuleConfig> rules_before_, rules_after_;
    rules::RuleSet before_, after_;
    std::uint64_t looked_at_ = 0, changed_count_ = 0;
    std::map<std::string, std::uint64_t> matched_;
    std::map<std::string, std::int64_t> per_target_, per_module_;
    nlohmann::json changed_ = nlohmann::json::array();
};

}  // namespace quicksilver::api
