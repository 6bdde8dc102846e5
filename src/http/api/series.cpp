#include "quicksilver/dicom/json_model.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "cursor.hpp"
#include "patient_data.hpp"
#include "series_files.hpp"
#include "series_list.hpp"
#include "timeline.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver::api {

namespace {

Json series_schema() {
    const Json patient = schema::optional(schema::text(10'000));
    return schema::object({{"id", schema::text()},
                           {"study_uid", schema::text()},
                           {"state", schema::choice(series_states())},
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
                           {"accession", patient},
                           {"retention", schema::object({{"expires_at", schema::optional(schema::time())},
                                                         {"held", schema::boolean()},
                                                         {"held_by", schema::optional(schema::text())},
                                                         {"held_since", schema::optional(schema::text(40))}})}});
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

/// How long the files of series stay.
class Retention {
public:
    explicit Retention(const Api& api)
        : holds_(api.services().control.holds()), kept_(api.services().config.snapshot()->cleaner.retention) {}

    Json of(const SeriesItem& item) const {
        const auto hold = holds_->find(item.series_uid);
        const bool held = hold != holds_->end();
        Json expires_at;
        const bool has_ended = item.state == "done" || item.state == "discarded";
        const auto since = parse_rfc3339(item.since);
        if (has_ended && !held && since) {
            expires_at = rfc3339(*since + std::chrono::duration_cast<WallTime::duration>(kept_));
        }
        return {{"expires_at", std::move(expires_at)},
                {"held", held},
                {"held_by", held ? Json(hold->second.user) : Json()},
                {"held_since", held ? Json(hold->second.since) : Json()}};
    }

private:
    std::shared_ptr<const Holds> holds_;
    Seconds kept_;
};

Json to_json(const SeriesItem& item, const PatientData& patient, const Retention& retention) {
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
            {"accession", patient.show(item.accession)},
            {"retention", retention.of(item)}};
}

/// Takes the item off that was asked for only to see whether there is more, and tells where the pages beside begin.
Json take_cursors(const Api& api, const Call& call, const SeriesFilter& filter, std::vector<SeriesItem>& page) {
    const bool more = page.size() > call.limit();
    if (more && filter.backwards) page.erase(page.begin());
    if (more && !filter.backwards) page.pop_back();
    const bool before = filter.backwards ? more : filter.after.has_value();
    const bool behind = filter.backwards || more;
    Json cursors = {{"next_cursor", nullptr}, {"prev_cursor", nullptr}};
    if (page.empty()) return cursors;
    const std::string list = series_cursor_list(filter.oldest_first);
    const SeriesItem& first = page.front();
    const SeriesItem& last = page.back();
    if (behind) cursors["next_cursor"] = make_cursor(api.key(), list, {last.first_seen, last.series_uid});
    if (before) cursors["prev_cursor"] = make_cursor(api.key(), list, {first.first_seen, first.series_uid, "back"});
    return cursors;
}

HttpResponse list_series(const Api& api, const Call& call) {
    const SeriesFilter filter = read_series_filter(api, call);
    const PatientData patient(call.may_see_patients());
    const Retention retention(api);
    return api.services().history.ask([&](History& history) {
        auto series = history.series(filter);
        // A search costs as much as its count would; then the page itself has to do.
        BoundedCount total{series.size(), series.size() <= call.limit() && !filter.after};
        const bool is_cheap = filter.search.empty() && filter.target.empty() && filter.module.empty();
        if (is_cheap) total = history.count_series(filter);
        Json content = take_cursors(api, call, filter, series);
        Json items = Json::array();
        for (const SeriesItem& item : series) items.push_back(to_json(item, patient, retention));
        content["items"] = std::move(items);
        content["total"] = {{"value", total.value}, {"exact", total.exact}};
        return make_json(content);
    });
}

SeriesItem existing(History& history, const Call& call) {
    auto found = history.find_series(call.parameter("id"));
    if (!found) throw not_found("There is no such series.");
    return *std::move(found);
}

HttpResponse show_series(const Api& api, const Call& call) {
    const PatientData patient(call.may_see_patients());
    const Retention retention(api);
    return api.services().history.ask([&](History& history) {
        Json content = to_json(existing(history, call), patient, retention);
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

/// One instance as it lies here, in the DICOM JSON model.
HttpResponse show_instance_tags(const Api& api, const Call& call) {
    const auto tasks = api.services().history.ask([&](History& history) {
        existing(history, call);
        return history.tasks_of_series(call.parameter("id"));
    });
    const auto files = files_of_series(api.services().folders, call.parameter("id"), tasks);
    std::size_t number = 0;
    const std::string asked = call.query("n");
    std::from_chars(asked.data(), asked.data() + asked.size(), number);
    if (number >= files.size()) throw not_found("There is no such instance here (any more).");
    auto read = dicom::read_json(files[number]);
    if (!read) throw conflict("unreadable", "The file cannot be read as DICOM.");
    return make_json({{"instances", files.size()},
                      {"n", number},
                      {"data_set", PatientData(call.may_see_patients()).data_set(*read)}});
}

std::vector<QueryParameter> list_parameters() {
    std::vector<QueryParameter> parameters = series_filter_parameters();
    parameters.push_back({"sort", schema::choice({"-received_at", "received_at"}), "Newest first, or oldest."});
    return parameters;
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
    const Json instance = schema::object({{"instances", schema::integer(0, INT64_MAX)},
                                          {"n", schema::integer(0, INT64_MAX)},
                                          {"data_set", schema::any_object()}});

    api.read({.method = "GET",
              .path = "/series",
              .id = "listSeries",
              .summary = "Series, newest first",
              .tag = tag,
              .query = paged(list_parameters()),
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
              .summary = "The tags that the rules saw; or all of one instance, in the DICOM JSON model",
              .tag = tag,
              .query = {{"level", schema::choice({"series", "instance"}), "series."},
                        {"n", schema::integer(0, INT32_MAX), "Which instance, from 0."}},
              .answer = {{"anyOf", Json::array({schema::object({{"tags", schema::any_object()}}), instance})}}},
             [&api](Call& call) {
                 return call.query("level") == "instance" ? show_instance_tags(api, call) : show_tags(api, call);
             });
}

}  // namespace quicksilver::api
