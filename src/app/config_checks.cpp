#include "quicksilver/app/config_checks.hpp"

#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/pipeline/targets/target.hpp"
#include "quicksilver/rules/expression.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace {

/// A rule that cannot be parsed is false in mercure, and the server runs; so here, but said aloud.
void check_rule(const RuleConfig& rule, std::vector<ConfigProblem>& problems) {
    const std::string path = fmt::format("rules.{}.rule", rule.name);
    const auto expression = rules::Expression::compile(rule.rule);
    for (const rules::Diagnostic& diagnostic : expression.diagnostics()) {
        problems.push_back({ProblemSeverity::warning, path,
                            fmt::format("line {}, column {}: {}", diagnostic.range.line, diagnostic.range.column,
                                        diagnostic.message)});
    }
    if (rule.disabled) return;
    if (rule.trigger == RuleTrigger::study) {
        problems.push_back({ProblemSeverity::warning, fmt::format("rules.{}.action_trigger", rule.name),
                            "this version does not collect studies yet; series of this rule are kept in error/"});
    }
    if (rule.action == RuleAction::process || rule.action == RuleAction::both) {
        problems.push_back({ProblemSeverity::warning, fmt::format("rules.{}.action", rule.name),
                            "this version does not run modules yet; series of this rule wait in processing/"});
    }
}

void check_target(const TargetConfig& target, const Config& config, const TargetRegistry& registry,
                  std::vector<ConfigProblem>& problems) {
    if (target.direction == "pull") return;
    if (auto made = registry.make(target, config); !made) {
        problems.push_back({ProblemSeverity::warning, fmt::format("targets.{}", target.name), made.error().message});
    }
}

}  // namespace

std::vector<ConfigProblem> check_above_core(const Config& config) {
    std::vector<ConfigProblem> problems;
    for (const RuleConfig& rule : config.rules) check_rule(rule, problems);
    const auto ops = make_file_ops();
    TargetRegistry registry;
    register_builtin_targets(registry, *ops);
    for (const TargetConfig& target : config.targets) check_target(target, config, registry, problems);
    if (config.dicom.tls) {
        problems.push_back({ProblemSeverity::warning, "dicom.tls", "this version has no encrypted listener yet"});
    }
    for (const std::string& tag : config.dicom.additional_tags) {
        if (!dicom::is_known_tag(tag)) {
            problems.push_back({ProblemSeverity::warning, "dicom_receiver.additional_tags." + tag,
                                "not a keyword of the DICOM dictionary and not gggg,eeee; its value will be empty"});
        }
    }
    return problems;
}

}  // namespace quicksilver
