#include "quicksilver/rules/decision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::rules {

namespace {

RuleTrace trace_of(const std::string& rule, const Expression& expression, Evaluation evaluation) {
    RuleTrace trace;
    trace.rule = rule;
    trace.expression = expression.text();
    trace.outcome = evaluation.triggered       ? RuleOutcome::triggered
                    : evaluation.tag_missing() ? RuleOutcome::missing_tag
                    : evaluation.error         ? RuleOutcome::failed
                                               : RuleOutcome::not_triggered;
    trace.value = std::move(evaluation.value);
    trace.tags = std::move(evaluation.tags);
    trace.missing = std::move(evaluation.missing);
    trace.error = std::move(evaluation.error);
    for (Diagnostic& warning : evaluation.warnings) trace.warnings.push_back(std::move(warning.message));
    trace.explain = std::move(evaluation.explain);
    if (trace.outcome == RuleOutcome::not_triggered) {
        std::erase_if(trace.explain, [](const Explained& part) { return !part.decisive; });
    }
    return trace;
}

RuleTrace without_evaluation(const std::string& rule, RuleOutcome outcome) {
    RuleTrace trace;
    trace.rule = rule;
    trace.outcome = outcome;
    return trace;
}

}  // namespace

RuleSet::RuleSet(const std::vector<RuleConfig>& rules) {
    auto compiled = std::make_shared<std::vector<Rule>>();
    compiled->reserve(rules.size());
    for (const RuleConfig& rule : rules) {
        compiled->push_back({rule.name, rule.disabled, rule.fallback, rule.action == RuleAction::discard,
                             Expression::compile(rule.rule)});
    }
    rules_ = std::move(compiled);
}

const Expression* RuleSet::find(std::string_view rule) const {
    if (!rules_) return nullptr;
    const auto found = std::find_if(rules_->begin(), rules_->end(), [&](const Rule& r) { return r.name == rule; });
    return found == rules_->end() ? nullptr : &found->expression;
}

Decision RuleSet::decide(const Tags& tags, const EvaluationOptions& options) const {
    if (tags.contains(force_rule_tag)) return forced(tags.get(force_rule_tag));
    Decision decision;
    if (!rules_) return decision;
    const Rule* fallback = nullptr;
    std::size_t fallback_trace = 0;
    for (const Rule& rule : *rules_) {
        if (!decision.discard_rule.empty()) {
            decision.trace.push_back(without_evaluation(rule.name, RuleOutcome::not_reached));
        } else if (rule.disabled) {
            decision.trace.push_back(without_evaluation(rule.name, RuleOutcome::disabled));
        } else if (rule.fallback) {
            fallback = &rule;
            fallback_trace = decision.trace.size();
            decision.trace.push_back(without_evaluation(rule.name, RuleOutcome::fallback));
        } else {
            decision.trace.push_back(trace_of(rule.name, rule.expression, evaluate(rule.expression, tags, options)));
            if (decision.trace.back().outcome == RuleOutcome::triggered) trigger(decision, rule);
        }
    }
    if (decision.triggered.empty() && fallback) {
        decision.trace[fallback_trace] =
            trace_of(fallback->name, fallback->expression, evaluate(fallback->expression, tags, options));
        if (decision.trace[fallback_trace].outcome == RuleOutcome::triggered) trigger(decision, *fallback);
    }
    return decision;
}

void RuleSet::trigger(Decision& decision, const Rule& rule) {
    decision.triggered.push_back(rule.name);
    if (rule.discards) decision.discard_rule = rule.name;
}

Decision RuleSet::forced(const std::string& name) const {
    Decision decision;
    decision.forced_rule = name;
    decision.unknown_forced_rule = true;
    if (!rules_) return decision;
    for (const Rule& rule : *rules_) {
        const bool chosen = rule.name == name;
        decision.trace.push_back(without_evaluation(rule.name, chosen ? RuleOutcome::forced : RuleOutcome::not_forced));
        if (!chosen) continue;
        decision.unknown_forced_rule = false;
        trigger(decision, rule);
    }
    return decision;
}

std::vector<std::string> Decision::errors() const {
    std::vector<std::string> out;
    if (unknown_forced_rule) out.push_back(fmt::format("Invalid force rule {}: there is no such rule", forced_rule));
    for (const RuleTrace& rule : trace) {
        if (rule.outcome != RuleOutcome::failed || !rule.error) continue;
        out.push_back(fmt::format("Invalid rule encountered: {}: line {}, column {}: {}", rule.rule,
                                  rule.error->range.line, rule.error->range.column, rule.error->message));
    }
    return out;
}

std::string_view to_string(RuleOutcome outcome) {
    constexpr std::array names{
        std::string_view("triggered"),   std::string_view("not_triggered"), std::string_view("missing_tag"),
        std::string_view("failed"),      std::string_view("disabled"),      std::string_view("fallback"),
        std::string_view("not_reached"), std::string_view("forced"),        std::string_view("not_forced")};
    return names[static_cast<std::size_t>(outcome)];
}

nlohmann::json to_json(const RuleTrace& trace) {
    nlohmann::json out{{"rule", trace.rule}, {"outcome", to_string(trace.outcome)}};
    if (!trace.expression.empty()) out["expression"] = trace.expression;
    if (!trace.value.empty()) out["value"] = trace.value;
    if (!trace.tags.empty()) out["tags"] = trace.tags;
    if (!trace.missing.empty()) out["missing"] = trace.missing;
    if (trace.error) out["error"] = to_json(*trace.error);
    if (!trace.warnings.empty()) out["warnings"] = trace.warnings;
    for (const Explained& part : trace.explain) {
        out["explain"].push_back({{"from", part.range.begin},
                                  {"to", part.range.end},
                                  {"depth", part.depth},
                                  {"value", part.value},
                                  {"truth", part.truth},
                                  {"decisive", part.decisive}});
    }
    return out;
}

nlohmann::json to_json(const Decision& decision) {
    nlohmann::json rules = nlohmann::json::array();
    for (const RuleTrace& trace : decision.trace) rules.push_back(to_json(trace));
    return {{"triggered", decision.triggered},
            {"discard_rule", decision.discard_rule},
            {"forced_rule", decision.forced_rule},
            {"unknown_forced_rule", decision.unknown_forced_rule},
            {"rules", std::move(rules)}};
}

}  // namespace quicksilver::rules
