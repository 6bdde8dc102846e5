#include "series_list.hpp"

#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"

#include "cursor.hpp"

namespace quicksilver::api {

const std::vector<std::string>& series_states() {
    static const std::vector<std::string> names = {"receiving",  "routing", "processing", "dispatching",
                                                   "collecting", "done",    "discarded",  "failed"};
    return names;
}

std::string series_cursor_list(bool oldest_first) {
    return oldest_first ? "series oldest" : "series";
}

namespace {

/// In the form in which times are stored, which sorts as text; "" for any. Throws ProblemError 422.
std::string time_in(const Json& asked, const char* member) {
    const std::string text = asked.value(member, "");
    if (text.empty()) return "";
    const auto time = parse_rfc3339(text);
    if (!time) {
        throw invalid("Something is wrong with the filter.",
                      {{member, "format", "must be a time in UTC, as 2026-11-22T10:00:00Z"}});
    }
    return rfc3339(*time);
}

}  // namespace

SeriesFilter read_series_filter(const Api& api, const Call& call) {
    Json asked = Json::object();
    for (const QueryParameter& parameter : series_filter_parameters()) {
        const std::string value = call.query(parameter.name);
        if (!value.empty()) asked[parameter.name] = value;
    }
    for (const char* flag : {"has_error", "held"}) asked[flag] = call.flag(flag);
    SeriesFilter filter = read_series_filter(api, asked, call.may_see_patients());
    filter.limit = call.limit() + 1;
    filter.oldest_first = call.query("sort") == "received_at";
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        const Json place = read_cursor(api.key(), series_cursor_list(filter.oldest_first), cursor);
        filter.after = {place.at(0).get<std::string>(), place.at(1).get<std::string>()};
        filter.backwards = place.size() > 2;
    }
    return filter;
}

SeriesFilter read_series_filter(const Api& api, const Json& asked, bool may_see_patients) {
    SeriesFilter filter;
    filter.stage = asked.value("stage", "");
    filter.module = asked.value("module", "");
    if (const std::string source = asked.value("source", ""); !source.empty()) {
        const std::size_t at = source.rfind('@');
        if (at == std::string::npos) {
            throw invalid("Something is wrong with the filter.",
                          {{"source", "format", "must be the id of a source: AE@ADDRESS"}});
        }
        filter.source = {source.substr(0, at), source.substr(at + 1)};
    }
    if (asked.value("held", false)) {
        filter.among.emplace();
        const auto holds = api.services().control.holds();
        for (const auto& [series, hold] : *holds) filter.among->push_back(series);
    }
    filter.state = asked.value("state", "");
    filter.modality = asked.value("modality", "");
    filter.rule = asked.value("rule", "");
    filter.study_uid = asked.value("study_uid", "");
    filter.target = asked.value("target", "");
    filter.since = time_in(asked, "since");
    filter.until = time_in(asked, "until");
    filter.search = asked.value("q", "");
    // Who may not see names must not find out by searching either.
    filter.search_patients = may_see_patients;
    filter.failed_only = asked.value("has_error", false);
    return filter;
}

Json series_filter_schema() {
    std::vector<std::pair<std::string, Json>> members;
    for (const QueryParameter& parameter : series_filter_parameters()) {
        members.emplace_back(parameter.name + "?", parameter.schema);
    }
    return schema::object(std::move(members));
}

std::vector<QueryParameter> series_filter_parameters() {
    return {{"state", schema::choice(series_states()), "Only these."},
            {"modality", schema::text(16), "CT, MR …"},
            {"rule", schema::text(200), "Triggered by this rule."},
            {"study_uid", schema::text(64), "Of this study."},
            {"target", schema::text(200), "With a delivery to this target, tried or done."},
            {"since", schema::text(40), "First instance at or after this time, as 2026-11-22T10:00:00Z."},
            {"until", schema::text(40), "First instance before this time."},
            {"q", schema::text(200), "Part of a description or UID; with the permission, of name, id, accession."},
            {"stage", schema::choice({"receive", "route", "collect", "process", "dispatch"}),
             "In this stage now, or failed in it."},
            {"module", schema::text(200), "With a run of this module, begun or done."},
            {"source", schema::text(200), "From this source: AE@ADDRESS, its id."},
            {"held", schema::boolean(), "Only those that somebody holds."},
            {"has_error", schema::boolean(), "Only failed ones."}};
}

}  // namespace quicksilver::api
