#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "patient_data.hpp"

#include <algorithm>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

Json study_schema() {
    const Json required = schema::object({{"text", schema::text(100'000)}, {"received", schema::boolean()}});
    return schema::object({{"id", schema::text()},
                           {"study_uid", schema::text()},
                           {"rule", schema::text()},
                           {"created_at", schema::text()},
                           {"last_received_at", schema::text()},
                           {"complete_at", schema::optional(schema::time())},
                           {"deadline", schema::optional(schema::time())},
                           {"deadline_action", schema::text()},
                           {"required_series", schema::text(100'000)},
                           {"required", schema::list_of(required)},
                           {"received_series", schema::list_of(schema::text(10'000))},
                           {"series_uids", schema::list_of(schema::text())},
                           {"missing_series", schema::list_of(schema::text(10'000))},
                           {"state", schema::text(10'000)}});
}

Json time_or_null(const std::optional<WallTime>& time) {
    return time ? Json(rfc3339(*time)) : Json();
}

Json to_json(const CollectedStudyView& study) {
    Json required = Json::array();
    for (const auto& [text, received] : study.required) required.push_back({{"text", text}, {"received", received}});
    return {{"id", study.id},
            {"study_uid", study.study_uid},
            {"rule", study.rule},
            {"created_at", study.created_at},
            {"last_received_at", study.last_received_at},
            {"complete_at", time_or_null(study.complete_at)},
            {"deadline", time_or_null(study.deadline)},
            {"deadline_action", study.deadline_action},
            {"required_series", study.required_series},
            {"required", std::move(required)},
            {"received_series", study.received_series},
            {"series_uids", study.series_uids},
            {"missing_series", study.missing_series},
            {"state", study.state}};
}

asio::awaitable<HttpResponse> list_studies(const Api& api) {
    Json items = Json::array();
    for (const CollectedStudyView& study : api.services().control.studies()) items.push_back(to_json(study));
    co_return make_json({{"items", std::move(items)}});
}

asio::awaitable<HttpResponse> show_study(const Api& api, const Call& call) {
    const auto studies = api.services().control.studies();
    const auto found = std::ranges::find(studies, call.parameter("id"), &CollectedStudyView::id);
    if (found == studies.end()) throw not_found("There is no such study, or it is complete.");
    Json content = to_json(*found);
    content["task"] = PatientData(call.may_see_patients()).task(found->task);
    co_return make_json(content);
}

}  // namespace

void add_study_operations(Api& api) {
    Json detail = study_schema();
    detail["properties"]["task"] = schema::any_object();
    detail["required"].push_back("task");
    api.wait({.method = "GET",
              .path = "/studies",
              .id = "listStudies",
              .summary = "Studies that are being collected, with what they wait for",
              .tag = "studies",
              .answer = schema::object({{"items", schema::list_of(study_schema())}})},
             [&api](Call&) { return list_studies(api); });
    api.wait({.method = "GET",
              .path = "/studies/{id}",
              .id = "getStudy",
              .summary = "One study that is being collected",
              .tag = "studies",
              .answer = detail},
             [&api](Call& call) { return show_study(api, call); });
}

}  // namespace quicksilver::api
