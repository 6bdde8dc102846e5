#include "quicksilver/app/config_checks.hpp"

#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/pipeline/runners/builtin_steps.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"
#include "quicksilver/rules/completion.hpp"
#include "quicksilver/rules/expression.hpp"
#include "quicksilver/store/file_ops.hpp"
#include "quicksilver/store/study_folders.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

/// What a study-level rule needs besides: a name for the folder, and a condition under which a study can complete.
void check_study(const RuleConfig& rule, std::vector<ConfigProblem>& problems) {
    if (const auto key = make_study_key("1", rule.name); !key) {
        problems.push_back({ProblemSeverity::warning, fmt::format("rules.{}.action_trigger", rule.name),
                            key.error().message + "; until then its series are kept in error/"});
    }
    if (rule.study_condition != StudyCondition::received_series) return;
    const std::string path = fmt::format("rules.{}.study_trigger_series", rule.name);
    if (rule.study_trigger_series.empty()) {
        problems.push_back(
            {ProblemSeverity::warning, path, "names no series: a study of this rule completes by time instead"});
    } else if (rules::check_completion(rule.study_trigger_series)) {
        problems.push_back({ProblemSeverity::warning, path,
                            "is no condition that can be evaluated; write parts of series descriptions in quotes, "
                            "joined by and, or and brackets: 'T1' and ('T2' or 'FLAIR')"});
    }
}

/// The first keyword of what a rule asks for, without the index of an item: what the dictionary can know.
std::string_view first_keyword(std::string_view asked) {
    return asked.substr(0, asked.find_first_of(".["));
}

/// Tags that no file can have are nearly always slips of the pen.
void check_tags(const RuleConfig& rule, const rules::Expression& expression, const Config& config,
                std::vector<ConfigProblem>& problems) {
    auto known = dicom::standard_tag_names();
    known.insert(known.end(), config.dicom.additional_tags.begin(), config.dicom.additional_tags.end());
    known.emplace_back("mercureForceRule");
    const auto is_known = [&known](std::string_view tag) {
        return dicom::is_known_tag(tag) || std::any_of(known.begin(), known.end(), [tag](const std::string& name) {
                   return boost::algorithm::iequals(name, tag);  // rules need not know how a keyword is written
               });
    };
    for (const std::string& asked : expression.tags_mentioned()) {
        const std::string_view tag = first_keyword(asked);
        const bool is_private = tag.starts_with('(');
        if (is_private || is_known(tag)) continue;
        problems.push_back({ProblemSeverity::warning, fmt::format("rules.{}.rule", rule.name),
                            fmt::format("{} is no keyword of the DICOM dictionary; a rule that asks for a tag that is "
                                        "not there is false",
                                        tag)});
    }
}

/// A rule that cannot be parsed is false in mercure, and the server runs; so here, but said aloud.
void check_rule(const RuleConfig& rule, const Config& config, std::vector<ConfigProblem>& problems) {
    const std::string path = fmt::format("rules.{}.rule", rule.name);
    const auto expression = rules::Expression::compile(rule.rule);
    for (const rules::Diagnostic& diagnostic : expression.diagnostics()) {
        problems.push_back({ProblemSeverity::warning, path,
                            fmt::format("line {}, column {}: {}", diagnostic.range.line, diagnostic.range.column,
                                        diagnostic.message)});
    }
    if (rule.disabled) return;
    check_tags(rule, expression, config, problems);
    if (rule.trigger == RuleTrigger::study) check_study(rule, problems);
}

void check_target(const TargetConfig& target, const Config& config, const TargetRegistry& registry,
                  std::vector<ConfigProblem>& problems) {
    if (target.direction == "pull" || target.type == "group") return;  // nothing is delivered to these themselves
    if (auto made = registry.make(target, config); !made) {
        problems.push_back({ProblemSeverity::warning, fmt::format("targets.{}", target.name), made.error().message});
    }
}

/// The settings of the steps of our own; only modules of others know theirs.
void check_module(const ModuleConfig& module, const Config& config, std::vector<ConfigProblem>& problems) {
    const auto settings = module.settings.value("settings", nlohmann::json::object());
    for (const SettingProblem& problem : check_step_settings(runner_name(module.settings, config), settings)) {
        const char* point = problem.path.empty() ? "" : ".";
        problems.push_back({ProblemSeverity::warning,
                            fmt::format("modules.{}.settings{}{}", module.name, point, problem.path),
                            problem.message + "; until then the module refuses to run"});
    }
}

bool deidentifies(const RuleConfig& rule, const Config& config) {
    return std::ranges::any_of(rule.modules, [&config](const std::string& name) {
        const ModuleConfig* module = config.find_module(name);
        return module != nullptr && runner_name(module->settings, config) == deidentify_step;
    });
}

}  // namespace

std::vector<ConfigProblem> check_above_core(const Config& config) {
    std::vector<ConfigProblem> problems;
    for (const RuleConfig& rule : config.rules) check_rule(rule, config, problems);
    for (const ModuleConfig& module : config.modules) check_module(module, config, problems);
    for (const RuleConfig& rule : config.rules) {
        if (!rule.retain_images || !deidentifies(rule, config)) continue;
        problems.push_back({ProblemSeverity::warning, fmt::format("rules.{}.processing_retain_images", rule.name),
                            "would deliver the original images beside the de-identified ones; its tasks will fail"});
    }
    const auto ops = make_file_ops();
    TargetRegistry registry;
    CommitmentReports reports;
    register_builtin_targets(registry, *ops, reports);
    for (const TargetConfig& target : config.targets) check_target(target, config, registry, problems);
    for (const std::string& tag : config.dicom.additional_tags) {
        if (!dicom::is_known_tag(tag)) {
            problems.push_back({ProblemSeverity::warning, "dicom_receiver.additional_tags." + tag,
                                "not a keyword of the DICOM dictionary and not gggg,eeee; its value will be empty"});
        }
    }
    return problems;
}

}  // namespace quicksilver
