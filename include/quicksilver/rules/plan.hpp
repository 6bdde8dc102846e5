#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/rules/decision.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

enum class PlanKind {
    study,    ///< add the series to the study `StudyInstanceUID#rule`
    route,    ///< one target, for all route rules that want it: to outgoing
    process,  ///< one rule with process or both: to processing
    success,  ///< only notification rules triggered: to success, no task.json
    discard,  ///< to discard, no task.json
    error,    ///< cannot be done: to error, with `reason`; never lose the files
};

/// One destination of the series. Ids, folders and times are the caller's.
struct PlannedTask {
    PlanKind kind = PlanKind::discard;
    std::string applied_rule;  ///< task.json's: "" for pooled routing
    std::vector<std::string>
        triggered_rules;               ///< task.json's, in order: pooled routing has only those wanting this target
    std::vector<std::string> targets;  ///< `dispatch.target_name`; empty: `dispatch` is {}
    std::string study_uid;             ///< study only
    RuleAction action = RuleAction::route;  ///< task.json's `info.action`
    Priority priority = Priority::normal;
    std::string reason;  ///< discard and error: why, as the event's text says it

    bool operator==(const PlannedTask&) const = default;
};

enum class NotificationEvent { received, completed };

/// A notification that is due as soon as the plan stands. `task` is the index of the task that it belongs to,
/// or `npos` when it belongs to the series alone.
struct PlannedNotification {
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    std::string rule;
    NotificationEvent event = NotificationEvent::received;
    std::size_t task = npos;

    bool operator==(const PlannedNotification&) const = default;
};

/// Where a series goes. Never empty: every series has at least one destination, whatever the rules and targets say.
struct Plan {
    std::vector<PlannedTask> tasks;  ///< in mercure's order: study, routing, processing, success
    std::vector<PlannedNotification> notifications;
};

/// Contract §5.4–5.6 as a function of values. Differences that keep data which mercure deletes (defects §4.1):
///  - a route rule without a target, or with one that does not exist, becomes one error task that names it;
///  - a rule of the decision that is no longer in the configuration, and an unknown forced rule, do so too;
///  - a study rule for a series without StudyInstanceUID does so too.
Plan make_plan(const Decision& decision, const Config& config, const Tags& tags);

/// Contract §7.1: urgent if any rule says so, else normal if any says so, else offpeak.
Priority pooled_priority(const std::vector<std::string>& rules, const Config& config);

std::string_view to_string(PlanKind kind);
nlohmann::json to_json(const Plan& plan);

}  // namespace quicksilver::rules
