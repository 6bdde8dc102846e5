#include "quicksilver/rules/decision.hpp"

#include "support.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using rules::Decision;
using rules::RuleOutcome;
using rules::RuleSet;

namespace {

Tags tags_of(std::vector<Tags::Entry> entries) {
    return Tags(std::move(entries));
}

struct RuleRow {
    std::string name, rule;
    RuleAction action = RuleAction::route;
    bool disabled = false, fallback = false;
};

std::vector<RuleConfig> configured(const std::vector<RuleRow>& rows) {
    std::vector<RuleConfig> rules;
    for (const RuleRow& row : rows) {
        RuleConfig rule;
        rule.name = row.name;
        rule.rule = row.rule;
        rule.action = row.action;
        rule.disabled = row.disabled;
        rule.fallback = row.fallback;
        rules.push_back(rule);
    }
    return rules;
}

Decision decide(const std::vector<RuleRow>& rows, const Tags& tags = tags_of({{"Modality", "MR"}})) {
    return RuleSet(configured(rows)).decide(tags);
}

std::vector<RuleOutcome> outcomes(const Decision& decision) {
    std::vector<RuleOutcome> out;
    for (const rules::RuleTrace& trace : decision.trace) out.push_back(trace.outcome);
    return out;
}

using Names = std::vector<std::string>;
using Outcomes = std::vector<RuleOutcome>;

constexpr auto discard = RuleAction::discard;
constexpr auto route = RuleAction::route;

}  // namespace

TEST_CASE("Rules trigger in the order of the configuration", "[decision]") {
    const Decision decision = decide({{"z", "True"}, {"a", "tags.Modality == 'CT'"}, {"m", "'M' in tags.Modality"}});
    CHECK(decision.triggered == Names{"z", "m"});
    CHECK_FALSE(decision.discards());
    CHECK(outcomes(decision) == Outcomes{RuleOutcome::triggered, RuleOutcome::not_triggered, RuleOutcome::triggered});
}

TEST_CASE("A discard rule ends the search and wins over earlier rules", "[decision]") {
    const Decision decision = decide({{"first", "True"}, {"drop", "True", discard}, {"never", "True"}});
    CHECK(decision.triggered == Names{"first", "drop"});
    CHECK(decision.discard_rule == "drop");
    CHECK(decision.discards());
    CHECK(decision.trace[2].outcome == RuleOutcome::not_reached);
}

TEST_CASE("A discard rule that does not trigger changes nothing", "[decision]") {
    const Decision decision = decide({{"drop", "False", discard}, {"next", "True"}});
    CHECK(decision.triggered == Names{"next"});
    CHECK(decision.discard_rule.empty());
}

TEST_CASE("Disabled rules are not asked", "[decision]") {
    const Decision decision = decide({{"off", "True", route, true}});
    CHECK(decision.triggered.empty());
    CHECK(decision.discards());
    CHECK(decision.trace[0].outcome == RuleOutcome::disabled);
}

TEST_CASE("A fallback rule counts only when nothing else triggered, and by its own expression", "[decision]") {
    CHECK(decide({{"rest", "True", route, false, true}, {"other", "True"}}).triggered == Names{"other"});
    CHECK(decide({{"rest", "True", route, false, true}, {"other", "False"}}).triggered == Names{"rest"});
    CHECK(decide({{"rest", "False", route, false, true}}).triggered.empty());
    CHECK(decide({{"rest", "True", discard, false, true}}).discard_rule == "rest");
}

TEST_CASE("Of several fallback rules the last counts", "[decision]") {
    const Decision decision = decide({{"one", "True", route, false, true}, {"two", "True", route, false, true}});
    CHECK(decision.triggered == Names{"two"});
    CHECK(outcomes(decision) == Outcomes{RuleOutcome::fallback, RuleOutcome::triggered});
}

TEST_CASE("A broken rule is false and reported, and does not stop the others", "[decision]") {
    const Decision decision = decide({{"broken", "tags.Modality =="}, {"fails", "1/0"}, {"fine", "True"}});
    CHECK(decision.triggered == Names{"fine"});
    CHECK(outcomes(decision) == Outcomes{RuleOutcome::failed, RuleOutcome::failed, RuleOutcome::triggered});
    REQUIRE(decision.errors().size() == 2);
    CHECK(decision.errors()[0].find("Invalid rule encountered: broken: line 1, column 17") == 0);
}

TEST_CASE("A missing tag makes a rule false without an error, and is in its trace", "[decision]") {
    const Decision decision = decide({{"rule", "not tags.Nope == 'x'"}});
    CHECK(decision.triggered.empty());
    CHECK(decision.errors().empty());
    CHECK(decision.trace[0].outcome == RuleOutcome::missing_tag);
    CHECK(decision.trace[0].missing == Names{"Nope"});
}

TEST_CASE("A forced rule triggers alone, whatever its expression and flags say", "[decision]") {
    const Tags tags = tags_of({{"Modality", "MR"}, {"mercureForceRule", "chosen"}});
    const Decision decision = decide({{"other", "True"}, {"chosen", "False", route, true, true}}, tags);
    CHECK(decision.triggered == Names{"chosen"});
    CHECK(decision.forced_rule == "chosen");
    CHECK(outcomes(decision) == Outcomes{RuleOutcome::not_forced, RuleOutcome::forced});
}

TEST_CASE("A forced discard rule is a discard by that rule, so the files are kept in discard", "[decision]") {
    const Tags tags = tags_of({{"mercureForceRule", "drop"}});
    const Decision decision = decide({{"drop", "False", discard}}, tags);
    CHECK(decision.discard_rule == "drop");
    CHECK(decision.discards());
}

TEST_CASE("An unknown forced rule is an error and no discard", "[decision]") {
    const Decision decision = decide({{"rule", "True"}}, tags_of({{"mercureForceRule", "gone"}}));
    CHECK(decision.unknown_forced_rule);
    CHECK_FALSE(decision.discards());
    CHECK(decision.triggered.empty());
    CHECK(decision.errors() == Names{"Invalid force rule gone: there is no such rule"});
}

TEST_CASE("Without rules every series is discarded by default", "[decision]") {
    CHECK(RuleSet().decide(Tags()).discards());
    CHECK(decide({}).discards());
    CHECK(RuleSet().size() == 0);
    CHECK(RuleSet().find("x") == nullptr);
}

TEST_CASE("A decision is printed with every rule", "[decision]") {
    const nlohmann::json json =
        rules::to_json(decide({{"a", "'M' in tags.Modality"}, {"b", "1/0"}, {"c", "@X@ == ''"}}));
    CHECK(json["triggered"] == nlohmann::json{"a"});
    CHECK(json["rules"][0] == nlohmann::json({{"rule", "a"},
                                              {"outcome", "triggered"},
                                              {"expression", "'M' in tags.Modality"},
                                              {"value", "True"},
                                              {"tags", {"Modality"}}}));
    CHECK(json["rules"][1]["error"]["code"] == "zero_division_error");
    CHECK(json["rules"][2]["outcome"] == "missing_tag");
}

TEST_CASE(
    "A decision that is to be explained keeps every part of a rule that triggered, and only what decided of others",
    "[decision]") {
    rules::EvaluationOptions options;
    options.explain = true;
    const auto set =
        RuleSet(configured({{"yes", "tags.Modality == 'MR' and 1 < 2"}, {"no", "tags.Modality == 'CT' and 1 < 2"}}));
    const Decision decision = set.decide(tags_of({{"Modality", "MR"}}), options);
    CHECK(decision.trace[0].explain.size() >= 5);
    REQUIRE(decision.trace[1].explain.size() == 1);
    CHECK(decision.trace[1].explain[0].text == "tags.Modality == 'CT'");
    const auto json = to_json(decision.trace[1]);
    CHECK(json["expression"] == "tags.Modality == 'CT' and 1 < 2");
    REQUIRE(json["explain"].size() == 1);
    CHECK(json["explain"][0]["from"] == 0);
    CHECK(json["explain"][0]["to"] == 21);
    CHECK(json["explain"][0]["value"] == "False");
    CHECK(json["explain"][0]["decisive"] == true);
}
