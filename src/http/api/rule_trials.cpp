#include "rule_trials.hpp"

#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/rules/expression.hpp"
#include "quicksilver/rules/language.hpp"
#include "quicksilver/store/history.hpp"
#include "quicksilver/store/statistics.hpp"

#include "api.hpp"
#include "patient_data.hpp"

#include <algorithm>
#include <chrono>
#include <set>

namespace quicksilver::api {

using rules::Expression;

namespace {

constexpr std::int64_t impact_series_max = 100'000;
constexpr std::int64_t recent_max = 1000;

std::string text_of(const Json& object, const char* member, const char* otherwise) {
    const auto found = object.find(member);
    return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

/// One name, or a list.
std::vector<std::string> names_in(const Json& object, const char* member) {
    std::vector<std::string> names;
    const auto found = object.find(member);
    if (found == object.end()) return names;
    const Json list = found->is_array() ? *found : Json::array({*found});
    for (const Json& one : list) {
        if (one.is_string() && one != "") names.push_back(one);
    }
    return names;
}

bool flag_of(const Json& object, const char* member) {
    const auto found = object.find(member);
    return found != object.end() && (*found == true || *found == "True" || *found == "true");
}

Json diagnostics_of(const Expression& expression) {
    Json diagnostics = Json::array();
    for (const rules::Diagnostic& one : expression.diagnostics()) {
        diagnostics.push_back({{"from", one.range.begin},
                               {"to", one.range.end},
                               {"line", one.range.line},
                               {"column", one.range.column},
                               {"severity", one.severity == rules::Severity::error ? "error" : "warning"},
                               {"code", one.code},
                               {"message", one.message}});
    }
    return diagnostics;
}

HttpResponse validate(const Call& call) {
    const auto expression = Expression::compile(call.body["expression"].get<std::string>());
    return make_json({{"ok", expression.valid()},
                      {"diagnostics", diagnostics_of(expression)},
                      {"tags", expression.tags_mentioned()}});
}

struct Sample {
    std::string series_uid;
    Tags tags;
};

std::vector<Sample> read_samples(const Api& api, const Json& wanted, const PatientData& patient) {
    std::vector<Sample> samples;
    if (wanted.contains("tags")) {
        samples.push_back({"", tags_of(wanted["tags"])});
        return samples;
    }
    api.services().history.ask([&](History& history) {
        if (wanted.contains("series_id")) {
            const std::string uid = wanted["series_id"];
            const std::string tags = history.tags(uid);
            if (tags.empty()) throw not_found("There is no such series, or it is not complete yet.");
            samples.push_back({uid, tags_of(patient.known_tags(Json::parse(tags, nullptr, false)))});
            return 0;
        }
        const auto recent = static_cast<std::size_t>(wanted.value("recent", std::int64_t{1}));
        history.for_each_tag_set("", recent, [&](const TagSet& set) {
            samples.push_back(
                {set.series_uid, tags_of(patient.known_tags(Json::parse(set.tags_json, nullptr, false)))});
        });
        return 0;
    });
    return samples;
}

/// The text itself, or that of a rule of the configuration.
std::string expression_of(const Api& api, const Json& body) {
    if (body.contains("expression")) return body["expression"];
    const auto config = api.services().config.snapshot();
    const RuleConfig* rule = config->find_rule(body.value("rule", ""));
    if (!rule) throw invalid("Something is wrong with the body.", {{"/rule", "unknown", "there is no such rule"}});
    return rule->rule;
}

HttpResponse test(const Api& api, const Call& call) {
    const auto expression = Expression::compile(expression_of(api, call.body));
    const PatientData patient(call.may_see_patients());
    rules::EvaluationOptions options;
    options.explain = true;
    const auto config = api.services().config.snapshot();
    const rules::RuleSet configured(config->rules);
    const std::string own_name = call.body.contains("expression") ? "" : call.body.value("rule", "");
    Json items = Json::array();
    for (const Sample& sample : read_samples(api, call.body["sample"], patient)) {
        std::vector<std::string> others = configured.decide(sample.tags).triggered;
        std::erase(others, own_name);
        // Tags that somebody typed themselves are no secret to them.
        const bool own = sample.series_uid.empty();
        const Json evaluation = rules::to_json(rules::evaluate(expression, sample.tags, options));
        items.push_back({{"series_id", own ? Json() : Json(sample.series_uid)},
                         {"evaluation", own ? evaluation : patient.decision(evaluation)},
                         {"other_rules", std::move(others)}});
    }
    return make_json({{"items", std::move(items)}});
}

/// The rules as they would be: all of them anew, or one put into its place or at the end.
std::vector<RuleConfig> rules_after(const std::vector<RuleConfig>& before, const Json& body) {
    std::vector<RuleConfig> after;
    if (body.contains("ruleset")) {
        for (const auto& [name, rule] : body["ruleset"].items()) after.push_back(rule_of(name, rule));
        return after;
    }
    const Json& changed = body["rule"];
    const std::string name = text_of(changed, "name", "");
    if (name.empty()) throw invalid("Something is wrong with the body.", {{"/rule/name", "missing", "is missing"}});
    after = before;
    const auto place = std::ranges::find(after, name, &RuleConfig::name);
    if (place != after.end()) {
        *place = rule_of(name, changed);
    } else {
        after.push_back(rule_of(name, changed));
    }
    return after;
}

HttpResponse impact(const Api& api, const Call& call) {
    if (call.body.contains("rule") == call.body.contains("ruleset")) {
        throw invalid("Something is wrong with the body.", {{"", "choice", "give either rule or ruleset"}});
    }
    const auto config = api.services().config.snapshot();
    Impact impact(config->rules, rules_after(config->rules, call.body));
    const std::int64_t window_s = call.body.value("window_s", std::int64_t{86400});
    const std::int64_t limit = call.body.value("limit", std::int64_t{10'000});
    const PatientData patient(call.may_see_patients());
    const std::string since = rfc3339(call.now - std::chrono::seconds(window_s));
    std::map<std::string, double> module_s;
    api.services().history.ask([&](History& history) {
        history.for_each_tag_set(since, static_cast<std::size_t>(limit), [&](const TagSet& set) {
            impact.look_at(set.series_uid, tags_of(patient.known_tags(Json::parse(set.tags_json, nullptr, false))));
        });
        for (const auto& [module, runs] : Statistics(history.connection()).module_runs(since)) {
            if (runs.median_s) module_s[module] = *runs.median_s;
        }
        return 0;
    });
    return make_json(impact.result(module_s));
}

HttpResponse show_language() {
    const rules::Language& language = rules::language();
    Json methods = Json::object();
    for (const auto& [type, names] : language.methods) methods[std::string(type)] = names;
    Json examples = Json::array();
    for (const auto& [expression, help] : language.examples) {
        examples.push_back({{"expression", expression}, {"help", help}});
    }
    return make_json({{"functions", language.functions},
                      {"methods", std::move(methods)},
                      {"keywords", language.keywords},
                      {"operators", language.operators},
                      {"types", language.types},
                      {"tags", dicom::standard_tag_names()},
                      {"examples", std::move(examples)}});
}

}  // namespace

Tags tags_of(const Json& object) {
    std::vector<Tags::Entry> entries;
    if (!object.is_object()) return Tags();
    entries.reserve(object.size());
    for (const auto& [key, value] : object.items()) {
        entries.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
    }
    return Tags(std::move(entries));
}

RuleConfig rule_of(const std::string& name, const Json& object) {
    RuleConfig rule;
    rule.name = name;
    rule.rule = text_of(object, "rule", "False");
    rule.disabled = flag_of(object, "disabled");
    rule.fallback = flag_of(object, "fallback");
    const std::string action = text_of(object, "action", "route");
    if (action == "discard") rule.action = RuleAction::discard;
    if (action == "process") rule.action = RuleAction::process;
    if (action == "both") rule.action = RuleAction::both;
    rule.targets = names_in(object, "target");
    rule.modules = names_in(object, "processing_module");
    return rule;
}

Impact::Impact(const std::vector<RuleConfig>& before, const std::vector<RuleConfig>& after)
    : rules_before_(before), rules_after_(after), before_(before), after_(after) {}

void Impact::look_at(const std::string& series_uid, const Tags& tags) {
    ++looked_at_;
    const auto before = before_.decide(tags).triggered;
    const auto after = after_.decide(tags).triggered;
    for (const std::string& rule : after) ++matched_[rule];
    count(before, rules_before_, -1);
    count(after, rules_after_, 1);
    if (before == after) return;
    if (++changed_count_ <= listed_max) {
        changed_.push_back({{"series_id", series_uid}, {"before", before}, {"after", after}});
    }
}

/// Counts the series for (+1) or against (-1) each target that its rules send it to, and each run of their modules.
void Impact::count(const std::vector<std::string>& triggered, const std::vector<RuleConfig>& configured, int sign) {
    std::set<std::string> targets;
    for (const std::string& name : triggered) {
        const auto rule = std::ranges::find(configured, name, &RuleConfig::name);
        if (rule == configured.end()) continue;
        targets.insert(rule->targets.begin(), rule->targets.end());
        const bool processes = rule->action == RuleAction::process || rule->action == RuleAction::both;
        if (!processes) continue;
        for (const std::string& module : rule->modules) per_module_[module] += sign;
    }
    for (const std::string& target : targets) per_target_[target] += sign;
}

Json Impact::result(const std::map<std::string, double>& module_s) const {
    double seconds = 0;
    for (const auto& [module, runs] : per_module_) {
        const auto known = module_s.find(module);
        if (known != module_s.end()) seconds += static_cast<double>(runs) * known->second;
    }
    return {{"looked_at", looked_at_}, {"matched", matched_},       {"changed_count", changed_count_},
            {"changed", changed_},     {"per_target", per_target_}, {"module_seconds", seconds}};
}

void add_rule_trial_operations(Api& api) {
    const std::string tag = "rules";
    api.read({.method = "GET",
              .path = "/rules/language",
              .id = "getRuleLanguage",
              .summary = "Functions, methods, operators and examples of rules, for completing what somebody types",
              .tag = tag,
              .answer = schema::any_object()},
             [](Call&) { return show_language(); });
    const Json expression = schema::text(60'000);
    const Json counts = {{"type", "object"}, {"additionalProperties", schema::integer(INT64_MIN, INT64_MAX)}};
    const Json sample = {{"anyOf", Json::array({schema::object({{"series_id", schema::required_text(64)}}),
                                                schema::object({{"tags", schema::any_object()}}),
                                                schema::object({{"recent", schema::integer(1, recent_max)}})})}};
    const Json tried = schema::object({{"series_id", schema::optional(schema::text())},
                                       {"evaluation", schema::any_object()},
                                       {"other_rules", schema::list_of(schema::text())}});
    const Json changed = schema::object({{"series_id", schema::text()},
                                         {"before", schema::list_of(schema::text())},
                                         {"after", schema::list_of(schema::text())}});

    api.read({.method = "POST",
              .path = "/rules/validate",
              .id = "validateRule",
              .summary = "Whether a text is a rule, and what is odd about it",
              .tag = tag,
              .access = Access::admin,
              .scope = "read",
              .body = schema::object({{"expression", expression}}),
              .answer = schema::object({{"ok", schema::boolean()},
                                        {"diagnostics", schema::list_of(schema::any_object())},
                                        {"tags", schema::list_of(schema::text())}}),
              .audited = false},
             [](Call& call) { return validate(call); });
    api.read({.method = "POST",
              .path = "/rules/test",
              .id = "testRule",
              .summary = "What a rule says of tags, of a series, or of the newest series",
              .tag = tag,
              .access = Access::operate,
              .scope = "read",
              .body = schema::object({{"expression?", expression}, {"rule?", schema::text(200)}, {"sample", sample}}),
              .answer = schema::object({{"items", schema::list_of(tried)}}),
              .audited = false},
             [&api](Call& call) { return test(api, call); });
    api.read({.method = "POST",
              .path = "/rules/impact",
              .id = "getImpact",
              .summary = "Which series of the past would go another way with a changed rule or set of rules",
              .tag = tag,
              .access = Access::admin,
              .scope = "configure",
              .body = schema::object({{"rule?", schema::any_object()},
                                      {"ruleset?", schema::any_object()},
                                      {"window_s?", schema::integer(1, 366LL * 86400)},
                                      {"limit?", schema::integer(1, impact_series_max)}}),
              .answer = schema::object({{"looked_at", schema::integer(0, INT64_MAX)},
                                        {"matched", counts},
                                        {"changed_count", schema::integer(0, INT64_MAX)},
                                        {"changed", schema::list_of(changed)},
                                        {"per_target", counts},
                                        {"module_seconds", schema::number()}}),
              .audited = false},
             [&api](Call& call) { return impact(api, call); });
}

}  // namespace quicksilver::api
