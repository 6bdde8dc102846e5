#include "quicksilver/pipeline/routing.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;

namespace {

RuleConfig rule(const std::string& name, const std::string& expression, std::vector<std::string> targets,
                RuleAction action = RuleAction::route) {
    RuleConfig made;
    made.name = name;
    made.rule = expression;
    made.targets = std::move(targets);
    made.action = action;
    return made;
}

RoutingRules rules_of(std::vector<RuleConfig> rules, std::vector<std::string> targets = {"pacs", "archive"}) {
    auto config = std::make_shared<Config>();
    config->rules = std::move(rules);
    for (const std::string& name : targets) {
        TargetConfig target;
        target.name = name;
        target.type = "folder";
        config->targets.push_back(target);
    }
    ModuleConfig module;
    module.name = "segment";
    module.settings = {{"docker_tag", "x:1"}, {"settings", {{"speed", 1}, {"quality", 2}}}};
    config->modules.push_back(module);
    return RoutingRules{config, rules::RuleSet(config->rules)};
}

Tags ct() {
    return Tags({{"Modality", "CT"},
                 {"SeriesInstanceUID", "1.2"},
                 {"StudyInstanceUID", "1"},
                 {"PatientName", "A^B"},
                 {"PatientID", "7"},
                 {"AccessionNumber", ""}});
}

std::vector<TaskFile> files_of(const RoutingRules& rules, const SeriesRoute& route) {
    std::vector<TaskFile> files;
    for (const PlannedTask& task :
         to_planned_tasks(route, "1.2", *rules.config, {"0.1", "appliance", "host"}, WallTime{})) {
        if (!task.task_json.empty()) files.push_back(parse_task_file(task.task_json).value());
    }
    return files;
}

}  // namespace

TEST_CASE("Each target of the triggered route rules becomes one task with a task.json as mercure's",
          "[pipeline][routing]") {
    const auto rules = rules_of({rule("r1", "tags.Modality == 'CT'", {"pacs"}), rule("r2", "True", {"pacs", "archive"}),
                                 rule("r3", "tags.Modality == 'MR'", {"archive"})});
    const SeriesRoute route = decide_route(rules, ct());
    REQUIRE(route.tasks.size() == 2);
    CHECK(route.tasks[0].stage == Stage::outgoing);
    CHECK(route.tasks[0].id != route.tasks[1].id);
    const auto files = files_of(rules, route);
    REQUIRE(files.size() == 2);
    CHECK(files[0].dispatch->targets == std::vector<std::string>({"pacs"}));
    CHECK(files[0].info.triggered_rules == std::vector<std::string>({"r1", "r2"}));
    CHECK(files[0].info.applied_rule.empty());
    CHECK(files[0].info.action == "route");
    CHECK(files[0].info.uid == "1.2");
    CHECK(files[0].info.patient_name == "A^B");
    CHECK(files[0].info.acc.empty());
    CHECK(files[0].info.sender_aet == "MISSING");
    CHECK(files[0].info.mercure_appliance == "appliance");
    CHECK(files[1].dispatch->targets == std::vector<std::string>({"archive"}));
    CHECK(files[1].info.triggered_rules == std::vector<std::string>({"r2"}));
    CHECK(files[1].dispatch->status.at("archive").state == DispatchStatus::State::waiting);
}

TEST_CASE("A series that no rule wants, or that a rule discards, goes to discard without a task.json",
          "[pipeline][routing]") {
    const auto none = rules_of({rule("r1", "tags.Modality == 'MR'", {"pacs"})});
    const SeriesRoute unwanted = decide_route(none, ct());
    REQUIRE(unwanted.tasks.size() == 1);
    CHECK(unwanted.tasks[0].stage == Stage::discard);
    CHECK(unwanted.tasks[0].plan.reason == "Discard by default.");
    CHECK(files_of(none, unwanted).empty());

    const auto dropping = rules_of({rule("r1", "True", {"pacs"}), rule("drop", "True", {}, RuleAction::discard)});
    const SeriesRoute dropped = decide_route(dropping, ct());
    REQUIRE(dropped.tasks.size() == 1);
    CHECK(dropped.tasks[0].stage == Stage::discard);
    CHECK(dropped.tasks[0].plan.reason == "Discard by rule drop");
}

TEST_CASE("A rule whose target does not exist keeps the series in error with the reason", "[pipeline][routing]") {
    const auto rules = rules_of({rule("r1", "True", {"gone"})});
    const SeriesRoute route = decide_route(rules, ct());
    REQUIRE(route.tasks.size() == 1);
    CHECK(route.tasks[0].stage == Stage::error);
    const auto files = files_of(rules, route);
    REQUIRE(files.size() == 1);
    CHECK(files[0].info.fail_stage == FailStage::routing);
    CHECK(files[0].info.fail_reason->find("gone") != std::string::npos);
}

TEST_CASE("A processing task carries its modules with the rule's settings over the module's", "[pipeline][routing]") {
    RuleConfig processing = rule("p", "True", {"pacs"}, RuleAction::both);
    processing.modules = {"segment", "unknown"};
    processing.processing_settings = nlohmann::json::array({{{"speed", 9}}, {{"x", true}}});
    processing.retain_images = true;
    const auto rules = rules_of({processing});
    const SeriesRoute route = decide_route(rules, ct());
    REQUIRE(route.tasks.size() == 1);
    CHECK(route.tasks[0].stage == Stage::processing);
    const auto files = files_of(rules, route);
    REQUIRE(files.size() == 1);
    CHECK(files[0].info.action == "both");
    CHECK(files[0].info.applied_rule == "p");
    REQUIRE(files[0].process.size() == 2);
    CHECK(files[0].process[0].settings.at("speed") == 9);
    CHECK(files[0].process[0].settings.at("quality") == 2);
    CHECK(files[0].process[0].module_config.at("docker_tag") == "x:1");
    CHECK(files[0].process[0].retain_input_images);
    CHECK(files[0].process[1].settings.at("x") == true);
    CHECK(files[0].process[1].module_config.is_null());
    CHECK(files[0].dispatch->targets == std::vector<std::string>({"pacs"}));
}

TEST_CASE("A rule may ask for any element of the header, which is read once for all rules", "[pipeline][routing]") {
    const auto rules =
        rules_of({rule("a", "tags.Rows == '64'", {"pacs"}), rule("b", "tags['0028,0010'] == '64'", {"pacs"}),
                  rule("c", "tags.Rows != '64'", {"pacs"})});
    std::vector<std::string> asked;
    const SeriesRoute route = decide_route(rules, ct(), [&](std::string_view path) -> std::optional<std::string> {
        asked.emplace_back(path);
        return "64";
    });
    CHECK(route.decision.triggered == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(asked.empty());
}

TEST_CASE("The elements of a folder's first instance are found, also twice, and absent ones are not",
          "[pipeline][routing]") {
    test::require_dicom();
    test::TemporaryFolder folder;
    dicom::PhantomOptions options;
    options.instances = 1;
    options.rows = options.columns = 16;
    REQUIRE(dicom::write_phantom_series(options, folder.path()).ok());
    const auto header = header_of(folder.path());
    REQUIRE(header);
    CHECK(header("Rows") == "16");
    CHECK(header("Rows") == "16");
    CHECK(header("AcquisitionNumber2") == std::nullopt);
    CHECK_FALSE(header_of(folder / "none"));
}

TEST_CASE("A decision explains every rule, and of those that did not trigger what decided", "[pipeline][routing]") {
    const auto rules = rules_of({rule("yes", "tags.Modality == 'CT' and tags.PatientID == '7'", {"pacs"}),
                                 rule("no", "tags.Modality == 'MR' and tags.PatientID == '7'", {"pacs"}),
                                 rule("missing", "tags.Rows == '1'", {"pacs"})});
    const auto trace = decide_route(rules, ct()).decision.trace;
    REQUIRE(trace.size() == 3);
    CHECK(trace[0].expression == "tags.Modality == 'CT' and tags.PatientID == '7'");
    CHECK(trace[0].explain.size() > 3);
    REQUIRE_FALSE(trace[1].explain.empty());
    for (const rules::Explained& part : trace[1].explain) CHECK(part.decisive);
    CHECK(trace[1].explain.back().text == "tags.Modality == 'MR'");
    CHECK(trace[2].outcome == rules::RuleOutcome::missing_tag);
    CHECK(trace[2].missing == std::vector<std::string>{"Rows"});
}

TEST_CASE("A study-level rule sends its series to the study of that rule", "[pipeline][routing]") {
    RuleConfig study = rule("s", "True", {"pacs"});
    study.trigger = RuleTrigger::study;
    study.study_force_action = StudyForceAction::ignore;
    const auto rules = rules_of({study});
    const SeriesRoute route = decide_route(rules, ct());
    REQUIRE(route.tasks.size() == 1);
    CHECK(route.tasks[0].stage == Stage::studies);
    CHECK(route.tasks[0].study_key == route.tags.get("StudyInstanceUID") + "#s");
    const auto files = files_of(rules, route);
    REQUIRE(files.size() == 1);
    CHECK(files[0].info.uid_type == "study");
    CHECK(files[0].info.action == "route");
    CHECK(files[0].study->complete_trigger == "timeout");
    CHECK(files[0].study->complete_force_action == "ignore");
    CHECK(files[0].process.empty());
}
