#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "cursor.hpp"
#include "patient_data.hpp"

#include <iterator>

namespace quicksilver::api {

namespace {

Json task_schema() {
    return schema::object({{"id", schema::text()},
                           {"parent_id", schema::optional(schema::text())},
                           {"time", schema::time()},
                           {"series_uid", schema::text()},
                           {"study_uid", schema::text()},
                           {"task", schema::optional(schema::any_object())}});
}

Json event_schema() {
    return schema::object({{"id", schema::integer(0, INT64_MAX)},
                           {"time", schema::time()},
                           {"task_id", schema::text()},
                           {"sender", schema::text()},
                           {"event", schema::text()},
                           {"target", schema::text(10'000)},
                           {"info", schema::text(100'000)},
                           {"file_count", schema::integer(0, INT64_MAX)}});
}

Json to_json(const TaskItem& item, const PatientData& patient) {
    const Json task = Json::parse(item.task_json, nullptr, false);
    return {{"id", item.id},
            {"parent_id", item.parent_id.empty() ? Json() : Json(item.parent_id)},
            {"time", item.time},
            {"series_uid", item.series_uid},
            {"study_uid", item.study_uid},
            {"task", task.is_object() ? patient.task(task) : Json()}};
}

std::string cursor_list(const TaskFilter& filter) {
    return filter.oldest_first ? "tasks oldest" : "tasks";
}

TaskFilter filter_of(const Api& api, const Call& call) {
    TaskFilter filter;
    filter.series_uid = call.query("series");
    filter.rule = call.query("rule");
    filter.limit = call.limit() + 1;
    filter.oldest_first = call.query("sort") == "time";
    if (const std::string cursor = call.query("cursor"); !cursor.empty()) {
        const Json place = read_cursor(api.key(), cursor_list(filter), cursor);
        filter.after = {place.at(0).get<std::string>(), place.at(1).get<std::string>()};
        filter.backwards = place.size() > 2;
    }
    return filter;
}

HttpResponse list_tasks(const Api& api, const Call& call) {
    const TaskFilter filter = filter_of(api, call);
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        auto tasks = history.tasks(filter);
        const BoundedCount total = history.count_tasks(filter);
        const bool more = tasks.size() > call.limit();
        if (more) tasks.erase(filter.backwards ? tasks.begin() : std::prev(tasks.end()));
        Json content = {{"next_cursor", nullptr}, {"prev_cursor", nullptr}};
        const std::string list = cursor_list(filter);
        if (!tasks.empty() && (more || filter.backwards)) {
            content["next_cursor"] = make_cursor(api.key(), list, {tasks.back().time, tasks.back().id});
        }
        if (!tasks.empty() && (filter.backwards ? more : filter.after.has_value())) {
            content["prev_cursor"] = make_cursor(api.key(), list, {tasks.front().time, tasks.front().id, "back"});
        }
        Json items = Json::array();
        for (const TaskItem& task : tasks) items.push_back(to_json(task, patient));
        content["items"] = std::move(items);
        content["total"] = {{"value", total.value}, {"exact", total.exact}};
        return make_json(content);
    });
}

HttpResponse show_task(const Api& api, const Call& call) {
    const PatientData patient(call.may_see_patients());
    return api.services().history.ask([&](History& history) {
        const auto task = history.find_task(call.parameter("id"));
        if (!task) throw not_found("There is no such task.");
        return make_json(to_json(*task, patient));
    });
}

HttpResponse show_events(const Api& api, const Call& call) {
    return api.services().history.ask([&](History& history) {
        if (!history.find_task(call.parameter("id"))) throw not_found("There is no such task.");
        Json items = Json::array();
        for (const EventItem& event : history.events_of_task(call.parameter("id"))) {
            items.push_back({{"id", event.id},
                             {"time", event.time},
                             {"task_id", event.task_id},
                             {"sender", event.sender},
                             {"event", event.event},
                             {"target", event.target},
                             {"info", event.info},
                             {"file_count", event.file_count}});
        }
        return make_json({{"items", std::move(items)}});
    });
}

}  // namespace

void add_task_operations(Api& api) {
    const std::string tag = "tasks";
    api.read({.method = "GET",
              .path = "/tasks",
              .id = "listTasks",
              .summary = "Tasks, newest first",
              .tag = tag,
              .query = paged({{"series", schema::text(64), "Of this series."},
                              {"rule", schema::text(200), "Made by this rule."},
                              {"sort", schema::choice({"-time", "time"}), "Newest first, or oldest."}}),
              .answer = schema::page_of(task_schema())},
             [&api](Call& call) { return list_tasks(api, call); });
    api.read({.method = "GET",
              .path = "/tasks/{id}",
              .id = "getTask",
              .summary = "One task with its task.json",
              .tag = tag,
              .answer = task_schema()},
             [&api](Call& call) { return show_task(api, call); });
    api.read({.method = "GET",
              .path = "/tasks/{id}/events",
              .id = "listTaskEvents",
              .summary = "What happened to it and to the tasks that it made",
              .tag = tag,
              .answer = schema::object({{"items", schema::list_of(event_schema())}})},
             [&api](Call& call) { return show_events(api, call); });
}

}  // namespace quicksilver::api
