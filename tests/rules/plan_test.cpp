#include "quicksilver/rules/plan.hpp"

#include "support.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using rules::NotificationEvent;
using rules::Plan;
using rules::PlanKind;
using rules::PlannedTask;

namespace {

Tags tags_of(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

using Names = std::vector<std::string>;

RuleConfig rule(std::string name, RuleAction action, Names targets = {}, RuleTrigger trigger = RuleTrigger::series,
                Priority priority = Priority::normal) {
    RuleConfig config;
    config.name = std::move(name);
    config.rule = "True";
    config.action = action;
    config.targets = std::move(targets);
    config.trigger = trigger;
    config.priority = priority;
    return config;
}

Config config_of(std::vector<RuleConfig> rules) {
    Config config;
    config.rules = std::move(rules);
    for (const char* name : {"pacs", "archive"}) {
        TargetConfig target;
        target.name = name;
        config.targets.push_back(target);
    }
    return config;
}

/// The plan when every rule of the configuration triggers.
Plan plan_of(const Config& config, const Tags& tags = tags_of({{"StudyInstanceUID", "1.2"}})) {
    return make_plan(rules::RuleSet(config.rules).decide(tags), config, tags);
}

std::vector<PlanKind> kinds(const Plan& plan) {
    std::vector<PlanKind> out;
    for (const PlannedTask& task : plan.tasks) out.push_back(task.kind);
    return out;
}

using Kinds = std::vector<PlanKind>;

constexpr auto series = RuleTrigger::series;
constexpr auto study = RuleTrigger::study;

}  // namespace

TEST_CASE("Route rules are pooled: one task a target with the rules that want it", "[plan]") {
    const Config config =
        config_of({rule("a", RuleAction::route, {"pacs", "archive"}), rule("b", RuleAction::route, {"pacs"})});
    const Plan plan = plan_of(config);
    REQUIRE(kinds(plan) == Kinds{PlanKind::route, PlanKind::route});
    CHECK(plan.tasks[0].targets == Names{"pacs"});
    CHECK(plan.tasks[0].triggered_rules == Names{"a", "b"});
    CHECK(plan.tasks[0].applied_rule.empty());
    CHECK(plan.tasks[1].targets == Names{"archive"});
    CHECK(plan.tasks[1].triggered_rules == Names{"a"});
}

TEST_CASE("A target that one rule names twice gets the series once", "[plan]") {
    const Plan plan = plan_of(config_of({rule("a", RuleAction::route, {"pacs", "pacs"})}));
    REQUIRE(plan.tasks.size() == 1);
    CHECK(plan.tasks[0].triggered_rules == Names{"a"});
}

TEST_CASE("Each processing rule has its own task", "[plan]") {
    const Plan plan =
        plan_of(config_of({rule("ai", RuleAction::both, {"pacs"}), rule("qa", RuleAction::process, {"pacs"})}));
    REQUIRE(kinds(plan) == Kinds{PlanKind::process, PlanKind::process});
    CHECK(plan.tasks[0].applied_rule == "ai");
    CHECK(plan.tasks[0].targets == Names{"pacs"});
    CHECK(plan.tasks[0].triggered_rules == Names{"ai", "qa"});
    CHECK(plan.tasks[1].applied_rule == "qa");
    CHECK(plan.tasks[1].targets.empty());
}

TEST_CASE("Processing goes on without dispatch when one of its targets is unknown, as mercure's task.json has it",
          "[plan]") {
    const Plan plan = plan_of(config_of({rule("ai", RuleAction::both, {"pacs", "gone"})}));
    REQUIRE(kinds(plan) == Kinds{PlanKind::process});
    CHECK(plan.tasks[0].targets.empty());
}

TEST_CASE("The order is study, routing, processing", "[plan]") {
    const Plan plan = plan_of(config_of({rule("p", RuleAction::process), rule("r", RuleAction::route, {"pacs"}),
                                         rule("s", RuleAction::route, {"pacs"}, study)}));
    CHECK(kinds(plan) == Kinds{PlanKind::study, PlanKind::route, PlanKind::process});
    CHECK(plan.tasks[0].study_uid == "1.2");
    CHECK(plan.tasks[0].applied_rule == "s");
    CHECK(plan.tasks[0].targets == Names{"pacs"});
    CHECK(plan.tasks[1].triggered_rules == Names{"r"});
}

TEST_CASE("Only notification rules: the files go to success", "[plan]") {
    const Plan plan = plan_of(config_of({rule("n", RuleAction::notification), rule("m", RuleAction::notification)}));
    CHECK(kinds(plan) == Kinds{PlanKind::success});
    REQUIRE(plan.notifications.size() == 4);
    CHECK(plan.notifications[0].event == NotificationEvent::received);
    CHECK(plan.notifications[1].event == NotificationEvent::completed);
    CHECK(plan.notifications[2].rule == "m");
}

TEST_CASE("A notification rule beside others adds no destination", "[plan]") {
    const Config config = config_of({rule("n", RuleAction::notification), rule("r", RuleAction::route, {"pacs"})});
    const Plan plan = plan_of(config);
    CHECK(kinds(plan) == Kinds{PlanKind::route});
    REQUIRE(plan.notifications.size() == 3);
    CHECK(plan.notifications[0].rule == "r");
}

TEST_CASE("A study notification rule beside a series one collects the study and is no success yet", "[plan]") {
    const Plan plan =
        plan_of(config_of({rule("n", RuleAction::notification), rule("s", RuleAction::notification, {}, study)}));
    CHECK(kinds(plan) == Kinds{PlanKind::study});
}

TEST_CASE("Discards say which rule, or that it is the default", "[plan]") {
    const Plan by_rule =
        plan_of(config_of({rule("a", RuleAction::route, {"pacs"}), rule("drop", RuleAction::discard)}));
    REQUIRE(kinds(by_rule) == Kinds{PlanKind::discard});
    CHECK(by_rule.tasks[0].reason == "Discard by rule drop");
    CHECK(by_rule.notifications.empty());
    const Plan by_default = plan_of(config_of({}));
    REQUIRE(kinds(by_default) == Kinds{PlanKind::discard});
    CHECK(by_default.tasks[0].reason == "Discard by default.");
}

TEST_CASE("What cannot be routed becomes an error task that keeps the files", "[plan][defects]") {
    struct Row {
        Names targets;
        std::string reason;
    };
    const std::vector<Row> rows{{{}, "Rule a has no target"},
                                {{"gone"}, "Invalid target selected gone by rule a"},
                                {{""}, "Rule a has an empty target"}};
    for (const Row& row : rows) {
        const Plan plan = plan_of(config_of({rule("a", RuleAction::route, row.targets)}));
        CAPTURE(row.reason);
        REQUIRE(kinds(plan) == Kinds{PlanKind::error});
        CHECK(plan.tasks[0].reason == row.reason);
        CHECK(plan.tasks[0].applied_rule == "a");
    }
}

TEST_CASE("An unknown target does not hold back the known one", "[plan][defects]") {
    const Plan plan = plan_of(config_of({rule("a", RuleAction::route, {"gone", "pacs"})}));
    CHECK(kinds(plan) == Kinds{PlanKind::error, PlanKind::route});
}

TEST_CASE("A forced rule that does not exist keeps the files in error", "[plan][defects]") {
    const Plan plan =
        plan_of(config_of({rule("a", RuleAction::route, {"pacs"})}), tags_of({{"mercureForceRule", "gone"}}));
    REQUIRE(kinds(plan) == Kinds{PlanKind::error});
    CHECK(plan.tasks[0].reason == "Invalid force rule gone: there is no such rule");
}

TEST_CASE("A forced discard rule puts the files into discard", "[plan][defects]") {
    const Plan plan = plan_of(config_of({rule("drop", RuleAction::discard)}), tags_of({{"mercureForceRule", "drop"}}));
    CHECK(kinds(plan) == Kinds{PlanKind::discard});
}

TEST_CASE("A rule that left the configuration after the decision keeps the files in error", "[plan][defects]") {
    const Tags tags;
    const rules::Decision decision = rules::RuleSet({rule("old", RuleAction::route, {"pacs"})}).decide(tags);
    const Plan plan = make_plan(decision, config_of({}), tags);
    REQUIRE(kinds(plan) == Kinds{PlanKind::error});
    CHECK(plan.tasks[0].reason == "Rule old is not in the configuration");
}

TEST_CASE("A study rule needs a study", "[plan][defects]") {
    const Plan plan = plan_of(config_of({rule("s", RuleAction::route, {"pacs"}, study)}), Tags());
    CHECK(kinds(plan) == Kinds{PlanKind::error});
}

TEST_CASE("A pooled task has the priority of its most urgent rule", "[plan]") {
    struct Row {
        std::vector<Priority> priorities;
        Priority expected;
    };
    const std::vector<Row> rows{{{Priority::normal, Priority::urgent}, Priority::urgent},
                                {{Priority::offpeak, Priority::normal}, Priority::normal},
                                {{Priority::offpeak, Priority::offpeak}, Priority::offpeak},
                                {{Priority::offpeak, Priority::urgent}, Priority::urgent}};
    for (const Row& row : rows) {
        std::vector<RuleConfig> rules;
        for (const Priority priority : row.priorities) {
            rules.push_back(rule(fmt::format("r{}", rules.size()), RuleAction::route, {"pacs"}, series, priority));
        }
        const Plan plan = plan_of(config_of(rules));
        REQUIRE(plan.tasks.size() == 1);
        CHECK(plan.tasks[0].priority == row.expected);
    }
}

TEST_CASE("A plan is printed", "[plan]") {
    const nlohmann::json json = rules::to_json(plan_of(config_of({rule("a", RuleAction::route, {"pacs"})})));
    CHECK(json["tasks"][0]["kind"] == "route");
    CHECK(json["tasks"][0]["targets"][0] == "pacs");
    CHECK(json["notifications"][0]["event"] == "RECEIVED");
}
