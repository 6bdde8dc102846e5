#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "cursor.hpp"
#include "patient_data.hpp"
#include "timeline.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace {

const std::vector<std::string> states = {"receiving",  "routing", "processing", "dispatching",
                                         "collecting", "done",    "discarded",  "failed"};

Json series_schema() {
    const Json patient = schema::optional(schema::text(10'000));
    return schema::object({{"id", schema::text()},
                           {"study_uid", schema::text()},
                           {"state", schema::choice(states)},
                           {"state_since", schema::time()},
                           {"received_at", schema::time()},
                           {"outcome", schema::text(10'000)},
                           {"rules", schema::list_of(schema::text())},
                           {"task_id", schema::optional(schema::text())},
                           {"instances", schema::integer(0, INT64_MAX)},
                           {"bytes", schema::integer(0, INT64_MAX)},
                           {"modality", schema::text(10'000)},
                           {"series_description", schema::text(10'000)},
                           {"study_description", schema::text(10'000)},
                           {"station", schema::text(10'000)},
                           {"body_part", schema::text(10'000)},
                           {"patient_name", patient},
                           {"patient_id", patient},
                           {"birth_date", patient},
                           {"sex", patient},
                           {"accession", patient}});
}

Json split_rules(const std::string& rules) {
    Json names = Json::array();
    std::string_view rest = rules;
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find(", "));
        rest.remove_prefix(std::min(name.size() + 2, rest.size()));
        names.push_back(name);
    }
    return names;
}

Json to_json(const SeriesItem& item, const PatientData& patient) {
    return {{"id", item.series_uid},
            {"study_uid", item.study_uid},
            {"state", item.state},
            {"state_since", item.since},
            {"received_at", item.first_seen},
            {"outcome", item.outcome},
            {"rules", split_rules(item.rules)},
            {"task_id", item.task_id.empty() ? Json() : Json(item.task_id)},
            {"instances", item.instances},
            {"bytes", item.bytes},
            {"modality", item.modality},
            {"series_description", item.series_description},
            {"study_description", item.study_description},
            {"station", item.station},
            {"body_part", item.body_part},
            {"patient_name", patient.show(item.patient_name)},
            {"patient_id", patient.show(item.patient_id)},
            {"birth_date", patient.show(item.birth_date)},
            {"sex", patient.show(item.sex)},
            {"accession", patient.show(item.accession)}};
}

SeriesFilter read_filter(const Api& api, const Call& call) {
    SeriesFilter filter;
    filter.state = call.query("state");
    filter.modality = call.query("modality");
    filter.rule = call.query("rule");
    filter.study_uid = call.query("study_uid");
    filter.since = call.query("since");
    filter.until = call.query("until");
    filter.search = call.query("q");
    // Who may not see names must not find out by searching either.
    filter.search_patients = call.may_see_patients();
    filter.failed_only = call.flag("has_error");
    filter.limit = call.limit() + 1;
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        filter.after = read_cursor(api.key(), "series", cursor).get<std::pair<std::string, std::string>>();
    }
    return filter;
}

HttpResponse list_series(const Api& api, const Call& call) {
    const SeriesFilter filter = read_filter(api, call);
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        auto series = history.series(filter);
        Json next;
        // A search costs as much as its count would; then the page itself has to do.
        BoundedCount total{series.size(), series.size() <= call.limit() && !filter.after};
        if (filter.search.empty()) total = history.count_series(filter);
        if (series.size() > call.limit()) {
            series.pop_back();
            next = make_cursor(api.key(), "series", {series.back().first_seen, series.back().series_uid});
        }
        Json items = Json::array();
        for (const SeriesItem& item : series) items.push_back(to_json(item, patient));
        return make_json({{"items", std::move(items)},
                          {"next_cursor", std::move(next)},
                          {"prev_cursor", nullptr},
                          {"total", {{"value", total.value}, {"exact", total.exact}}}});
    });
}

SeriesItem existing(History& history, const Call& call) {
    auto found = history.find_series(call.parameter("id"));
    if (!found) throw not_found("There is no such series.");
    return *std::move(found);
}

HttpResponse show_series(const Api& api, const Call& call) {
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        Json content = to_json(existing(history, call), patient);
        Json tasks = Json::array();
        for (const TaskItem& task : history.tasks_of_series(call.parameter("id"))) {
            tasks.push_back({{"id", task.id},
                             {"parent_id", task.parent_id.empty() ? Json() : Json(task.parent_id)},
                             {"time", task.time},
                             {"task", patient.task(Json::parse(task.task_json, nullptr, false))}});
            if (tasks.back()["task"].is_discarded()) tasks.back()["task"] = nullptr;
        }
        content["tasks"] = std::move(tasks);
        return make_json(content);
    });
}

HttpResponse show_timeline(const Api& api, const Call& call) {
    return api.services().history.ask([&](History& history) {
        const SeriesItem series = existing(history, call);
        return make_json({{"items", make_timeline(history.events_of_series(series.series_uid))}});
    });
}

HttpResponse show_trace(const Api& api, const Call& call) {
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        const SeriesItem series = existing(history, call);
        Json items = Json::array();
        for (const DecisionItem& decision : history.decisions(series.series_uid)) {
            items.push_back({{"time", decision.time},
                             {"task_id", decision.task_id},
                             {"decision", patient.decision(Json::parse(decision.decision_json, nullptr, false))}});
        }
        return make_json({{"items", std::move(items)}});
    });
}

HttpResponse show_tags(const Api& api, const Call& call) {
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        const SeriesItem series = existing(history, call);
        const std::string tags = history.tags(series.series_uid);
        if (tags.empty()) throw conflict("not_routed", "The tags are known when the series is complete.");
        return make_json({{"tags", patient.tags(Json::parse(tags, nullptr, false))}});
    });
}

std::vector<QueryParameter> filters() {
    return paged(
        {{"state", schema::choice(states), "Only these."},
         {"modality", schema::text(16), "CT, MR …"},
         {"rule", schema::text(200), "Triggered by this rule."},
         {"study_uid", schema::text(64), "Of this study."},
         {"since", schema::text(40), "First instance at or after this time (RFC 3339, UTC)."},
         {"until", schema::text(40), "First instance before this time."},
         {"q", schema::text(200), "Part of a description or UID; with the permission, of name, id, accession."},
         {"has_error", schema::boolean(), "Only failed ones."}});
}

}  // namespace

void add_series_operations(Api& api) {
    const std::string tag = "series";
    api.define("Series", series_schema());
    Json detail = series_schema();
    Json task = schema::object({{"id", schema::text()},
                                {"parent_id", schema::optional(schema::text())},
                                {"time", schema::time()},
                                {"task", schema::optional(schema::any_object())}});
    detail["properties"]["tasks"] = schema::list_of(std::move(task));
    const Json items = schema::object({{"items", schema::list_of(schema::any_object())}});

    api.read({.method = "GET",
              .path = "/series",
              .id = "listSeries",
              .summary = "Series, newest first",
              .tag = tag,
              .query = filters(),
              .answer = schema::page_of(Api::reference("Series"))},
             [&api](Call& call) { return list_series(api, call); });
    api.read({.method = "GET",
              .path = "/series/{id}",
              .id = "getSeries",
              .summary = "One series with its tasks",
              .tag = tag,
              .answer = detail},
             [&api](Call& call) { return show_series(api, call); });
    api.read({.method = "GET",
              .path = "/series/{id}/timeline",
              .id = "getTimeline",
              .summary = "What happened to it, with begin and end",
              .tag = tag,
              .answer = items},
             [&api](Call& call) { return show_timeline(api, call); });
    api.read({.method = "GET",
              .path = "/series/{id}/trace",
              .id = "getTrace",
              .summary = "Why each rule did or did not trigger, from what was known then",
              .tag = tag,
              .answer = items},
             [&api](Call& call) { return show_trace(api, call); });
    api.read({.method = "GET",
              .path = "/series/{id}/tags",
              .id = "getSeriesTags",
              .summary = "The tags that the rules saw",
              .tag = tag,
              .answer = schema::object({{"tags", schema::any_object()}})},
             [&api](Call& call) { return show_tags(api, call); });
}

}  // namespace quicksilver::api
