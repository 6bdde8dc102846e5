#include "quicksilver/pipeline/routing.hpp"

#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/study_folders.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <optional>

namespace quicksilver {

namespace {

Stage stage_of(rules::PlanKind kind) {
    switch (kind) {
        case rules::PlanKind::route:
            return Stage::outgoing;
        case rules::PlanKind::process:
            return Stage::processing;
        case rules::PlanKind::success:
            return Stage::success;
        case rules::PlanKind::discard:
            return Stage::discard;
        case rules::PlanKind::study:
            return Stage::studies;
        case rules::PlanKind::error:
            return Stage::error;
    }
    return Stage::error;
}

std::string_view action_name(RuleAction action) {
    switch (action) {
        case RuleAction::route:
            return "route";
        case RuleAction::both:
            return "both";
        case RuleAction::process:
            return "process";
        case RuleAction::discard:
            return "discard";
        case RuleAction::notification:
            return "notification";
    }
    return "route";
}

/// Lays the values of a `.tags` file over what the DICOM header says. A damaged one is of no use to anybody.
void overlay_tags_file(const std::filesystem::path& file, Tags& tags) {
    const auto text = read_text_file(file, 1 << 20);
    if (!text) return;
    const auto json = nlohmann::json::parse(*text, nullptr, false);
    if (!json.is_object()) return;
    for (const auto& [key, value] : json.items()) {
        if (value.is_string()) tags.set(key, value.get<std::string>());
    }
}

nlohmann::ordered_json object_or_empty(const nlohmann::json& value) {
    return value.is_object() ? nlohmann::ordered_json(value) : nlohmann::ordered_json::object();
}

/// A study task too, when its rule processes.
bool is_processed(const rules::PlannedTask& task) {
    const bool processes = task.action == RuleAction::process || task.action == RuleAction::both;
    return task.kind == rules::PlanKind::process || (task.kind == rules::PlanKind::study && processes);
}

/// The study keeps the condition of its first series' rule.
void set_completion(TaskStudy& study, const RuleConfig& rule) {
    study.complete_trigger = rule.study_condition == StudyCondition::received_series ? "received_series" : "timeout";
    study.complete_required_series = rule.study_trigger_series;
    switch (rule.study_force_action) {
        case StudyForceAction::discard:
            study.complete_force_action = "discard";
            break;
        case StudyForceAction::proceed:
            study.complete_force_action = "proceed";
            break;
        case StudyForceAction::ignore:
            study.complete_force_action = "ignore";
            break;
    }
}

}  // namespace

std::vector<TaskProcess> make_process(const RuleConfig& rule, const Config& config) {
    std::vector<TaskProcess> steps;
    for (std::size_t i = 0; i < rule.modules.size(); ++i) {
        TaskProcess step;
        step.module_name = rule.modules[i];
        step.retain_input_images = rule.retain_images;
        if (const ModuleConfig* module = config.find_module(step.module_name)) {
            step.module_config = module->settings;
            step.settings = object_or_empty(module->settings.value("settings", nlohmann::json::object()));
        }
        const nlohmann::json& own = rule.processing_settings;
        const auto overlay = own.is_array() ? (i < own.size() ? own[i] : nlohmann::json()) : own;
        step.settings.update(object_or_empty(overlay));
        steps.push_back(std::move(step));
    }
    return steps;
}

Result<Tags> read_series_tags(const std::filesystem::path& folder, const Config& config) {
    const auto instances = TaskFolders::instances(folder);
    if (!instances) return instances.error();
    if (instances->empty()) return Error{Errc::not_found, folder.string() + " has no *.dcm"};
    dicom::TagReadOptions options;
    options.additional_tags = config.dicom.additional_tags;
    auto tags = dicom::read_tags(instances->front(), options);
    if (!tags) return tags.error();
    auto beside = instances->front();
    overlay_tags_file(beside.replace_extension(".tags"), *tags);
    return tags;
}

std::string read_study_uid(const std::filesystem::path& folder) {
    const auto instances = TaskFolders::instances(folder);
    if (!instances || instances->empty()) return "";
    return dicom::read_element(instances->front(), "StudyInstanceUID").value_or("");
}

rules::HeaderLookup header_of(const std::filesystem::path& folder) {
    const auto instances = TaskFolders::instances(folder);
    if (!instances || instances->empty()) return nullptr;
    using Found = std::map<std::string, std::optional<std::string>, std::less<>>;
    return [file = instances->front(), found = std::make_shared<Found>()](std::string_view path) {
        const auto known = found->find(path);
        if (known != found->end()) return known->second;
        return found->emplace(path, dicom::read_element(file, path)).first->second;
    };
}

SeriesRoute decide_route(const RoutingRules& rules, Tags tags, rules::HeaderLookup header) {
    SeriesRoute route;
    rules::EvaluationOptions options;
    options.explain = true;
    options.header = std::move(header);
    route.decision = rules.rules.decide(tags, options);
    rules::Plan plan = rules::make_plan(route.decision, *rules.config, tags);
    route.tags = std::move(tags);
    for (rules::PlannedTask& task : plan.tasks) {
        std::string study_key;
        if (task.kind == rules::PlanKind::study) {
            auto key = make_study_key(task.study_uid, task.applied_rule);
            if (key) {
                study_key = std::move(*key);
            } else {
                task.kind = rules::PlanKind::error;
                task.reason = key.error().message;
            }
        }
        route.tasks.push_back(RoutedTask{make_task_id(), stage_of(task.kind), std::move(task), std::move(study_key)});
    }
    return route;
}

std::vector<PlannedTask> to_planned_tasks(const SeriesRoute& route, const std::string& series_uid, const Config& config,
                                          const ServerIdentity& server, WallTime now) {
    std::vector<PlannedTask> planned;
    for (const RoutedTask& task : route.tasks) {
        PlannedTask made{task.id, task.stage, "", task.study_key};
        const bool without_file =
            task.plan.kind == rules::PlanKind::success || task.plan.kind == rules::PlanKind::discard;
        if (!without_file) {
            TaskFile file;
            file.id = task.id;
            const bool is_study = task.stage == Stage::studies;
            file.info = make_task_info(route.tags, is_study ? task.plan.study_uid : series_uid,
                                       is_study ? "study" : "series", server);
            file.info.action = task.plan.applied_rule.empty() ? "route" : action_name(task.plan.action);
            file.info.applied_rule = task.plan.applied_rule;
            file.info.triggered_rules = task.plan.triggered_rules;
            if (task.plan.kind == rules::PlanKind::error) {
                file.info.fail_stage = FailStage::routing;
                file.info.fail_reason = task.plan.reason;
            }
            const RuleConfig* rule = config.find_rule(task.plan.applied_rule);
            if (rule && is_processed(task.plan)) file.process = make_process(*rule, config);
            if (rule && is_study) {
                file.study = make_task_study(route.tags, task.plan.study_uid, now);
                set_completion(*file.study, *rule);
            }
            if (!task.plan.targets.empty()) file.dispatch = make_task_dispatch(task.plan.targets, now);
            made.task_json = to_json_text(file);
        }
        planned.push_back(std::move(made));
    }
    return planned;
}

}  // namespace quicksilver
