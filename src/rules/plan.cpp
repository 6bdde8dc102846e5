#include "quicksilver/rules/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

constexpr std::string_view study_uid_tag = "StudyInstanceUID";

class Planner {
public:
    Planner(const Decision& decision, const Config& config, const Tags& tags)
        : decision_(decision), config_(config), tags_(tags) {}

    Plan run() {
        if (decision_.unknown_forced_rule) {
            fail("", fmt::format("Invalid force rule {}: there is no such rule", decision_.forced_rule));
        } else if (decision_.discards()) {
            discard();
        } else {
            for (const std::string& name : decision_.triggered) {
                if (!config_.find_rule(name)) fail(name, fmt::format("Rule {} is not in the configuration", name));
            }
            add_studies();
            add_routing();
            add_processing();
            add_notifications();
            if (plan_.tasks.empty()) add_success();
        }
        return std::move(plan_);
    }

private:
    template <class Action>
    void for_each_rule(RuleTrigger trigger, Action action) {
        for (const std::string& name : decision_.triggered) {
            const RuleConfig* rule = config_.find_rule(name);
            if (rule && rule->trigger == trigger) action(*rule);
        }
    }

    PlannedTask task(PlanKind kind, const RuleConfig& rule) const {
        PlannedTask task;
        task.kind = kind;
        task.applied_rule = rule.name;
        task.triggered_rules = decision_.triggered;
        task.action = rule.action;
        task.priority = rule.priority;
        return task;
    }

    void fail(const std::string& rule, std::string reason) {
        PlannedTask task;
        task.kind = PlanKind::error;
        task.applied_rule = rule;
        task.triggered_rules = decision_.triggered;
        if (const RuleConfig* known = config_.find_rule(rule)) task.action = known->action;
        task.reason = std::move(reason);
        plan_.tasks.push_back(std::move(task));
    }

    void notify(const std::string& rule, NotificationEvent event, std::size_t task) {
        plan_.notifications.push_back({rule, event, task});
    }

    void discard() {
        PlannedTask task;
        task.kind = PlanKind::discard;
        task.applied_rule = decision_.discard_rule;
        task.triggered_rules = decision_.triggered;
        task.action = RuleAction::discard;
        task.reason =
            decision_.discard_rule.empty() ? "Discard by default." : "Discard by rule " + decision_.discard_rule;
        plan_.tasks.push_back(std::move(task));
    }

    void add_studies() {
        const std::string study = tags_.get(study_uid_tag);
        for_each_rule(RuleTrigger::study, [&](const RuleConfig& rule) {
            if (study.empty()) {
                fail(rule.name,
                     fmt::format("Rule {} collects studies, but the series has no StudyInstanceUID", rule.name));
                return;
            }
            PlannedTask planned = task(PlanKind::study, rule);
            planned.study_uid = study;
            planned.targets = rule.action == RuleAction::process ? std::vector<std::string>() : rule.targets;
            plan_.tasks.push_back(std::move(planned));
        });
    }

    /// One task for each target, with the rules that want it, so that no target gets the series twice.
    void add_routing() {
        const std::size_t first = plan_.tasks.size();
        for_each_rule(RuleTrigger::series, [&](const RuleConfig& rule) {
            if (rule.action != RuleAction::route) return;
            if (rule.targets.empty()) fail(rule.name, fmt::format("Rule {} has no target", rule.name));
            for (const std::string& target : rule.targets) add_target(rule, target, first);
            notify(rule.name, NotificationEvent::received, PlannedNotification::npos);
        });
        for (std::size_t i = first; i < plan_.tasks.size(); ++i) {
            PlannedTask& planned = plan_.tasks[i];
            if (planned.kind == PlanKind::route) planned.priority = pooled_priority(planned.triggered_rules, config_);
        }
    }

    void add_target(const RuleConfig& rule, const std::string& target, std::size_t first) {
        if (!config_.find_target(target)) {
            const std::string reason = target.empty()
                                           ? fmt::format("Rule {} has an empty target", rule.name)
                                           : fmt::format("Invalid target selected {} by rule {}", target, rule.name);
            return fail(rule.name, reason);
        }
        const auto begin = plan_.tasks.begin() + static_cast<std::ptrdiff_t>(first);
        const auto pooled = std::find_if(begin, plan_.tasks.end(), [&](const PlannedTask& planned) {
            return planned.kind == PlanKind::route && planned.targets.front() == target;
        });
        if (pooled != plan_.tasks.end()) {
            const bool listed = pooled->triggered_rules.back() == rule.name;
            if (!listed) pooled->triggered_rules.push_back(rule.name);
            return;
        }
        PlannedTask planned;
        planned.kind = PlanKind::route;
        planned.triggered_rules = {rule.name};
        planned.targets = {target};
        plan_.tasks.push_back(std::move(planned));
    }

    void add_processing() {
        for_each_rule(RuleTrigger::series, [&](const RuleConfig& rule) {
            if (rule.action != RuleAction::process && rule.action != RuleAction::both) return;
            PlannedTask planned = task(PlanKind::process, rule);
            const auto known = [&](const std::string& target) { return config_.find_target(target) != nullptr; };
            const bool all_known = std::all_of(rule.targets.begin(), rule.targets.end(), known);
            // task.json has no dispatch at all when one target is unknown (contract §3.1).
            if (rule.action == RuleAction::both && all_known) planned.targets = rule.targets;
            notify(rule.name, NotificationEvent::received, plan_.tasks.size());
            plan_.tasks.push_back(std::move(planned));
        });
    }

    void add_notifications() {
        for_each_rule(RuleTrigger::series, [&](const RuleConfig& rule) {
            if (rule.action != RuleAction::notification) return;
            notify(rule.name, NotificationEvent::received, PlannedNotification::npos);
            notify(rule.name, NotificationEvent::completed, PlannedNotification::npos);
        });
    }

    /// Nothing else took the files: only notification rules triggered. A series rule with discard that did not discard
    /// (its action changed since the decision) ends here too, where the files are kept.
    void add_success() {
        PlannedTask planned;
        planned.kind = PlanKind::success;
        planned.triggered_rules = decision_.triggered;
        planned.action = RuleAction::notification;
        plan_.tasks.push_back(std::move(planned));
    }

    const Decision& decision_;
    const Config& config_;
    const Tags& tags_;
    Plan plan_;
};

}  // namespace

Plan make_plan(const Decision& decision, const Config& config, const Tags& tags) {
    return Planner(decision, config, tags).run();
}

Priority pooled_priority(const std::vector<std::string>& rules, const Config& config) {
    bool normal = rules.empty();
    for (const std::string& name : rules) {
        const RuleConfig* rule = config.find_rule(name);
        if (rule && rule->priority == Priority::urgent) return Priority::urgent;
        normal |= !rule || rule->priority == Priority::normal;
    }
    return normal ? Priority::normal : Priority::offpeak;
}

std::string_view to_string(PlanKind kind) {
    constexpr std::array names{std::string_view("study"),   std::string_view("route"),   std::string_view("process"),
                               std::string_view("success"), std::string_view("discard"), std::string_view("error")};
    return names[static_cast<std::size_t>(kind)];
}

nlohmann::json to_json(const Plan& plan) {
    nlohmann::json tasks = nlohmann::json::array();
    for (const PlannedTask& task : plan.tasks) {
        nlohmann::json entry{{"kind", to_string(task.kind)}, {"triggered_rules", task.triggered_rules}};
        if (!task.applied_rule.empty()) entry["applied_rule"] = task.applied_rule;
        if (!task.targets.empty()) entry["targets"] = task.targets;
        if (!task.study_uid.empty()) entry["study_uid"] = task.study_uid;
        if (!task.reason.empty()) entry["reason"] = task.reason;
        tasks.push_back(std::move(entry));
    }
    nlohmann::json notifications = nlohmann::json::array();
    for (const PlannedNotification& notification : plan.notifications) {
        notifications.push_back(
            {{"rule", notification.rule},
             {"event", notification.event == NotificationEvent::received ? "RECEIVED" : "COMPLETED"}});
    }
    return {{"tasks", std::move(tasks)}, {"notifications", std::move(notifications)}};
}

}  // namespace quicksilver::rules
