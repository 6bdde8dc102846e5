#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"

#include "running_operations.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

using StudyAction = asio::awaitable<Result<void>> (Control::*)(std::string);

Control::Stage stage_of(const std::string& name) {
    static constexpr std::array<std::pair<std::string_view, Control::Stage>, 4> stages = {
        {{"receive", Control::Stage::receive},
         {"route", Control::Stage::route},
         {"process", Control::Stage::process},
         {"dispatch", Control::Stage::dispatch}}};
    const auto found = std::ranges::find(stages, name, &std::pair<std::string_view, Control::Stage>::first);
    if (found == stages.end()) throw not_found("There is no such stage; receive, route, process, dispatch can pause.");
    return found->second;
}

PauseOrder order_of(const Call& call) {
    PauseOrder order{call.body.value("reason", ""), call.user().username, std::nullopt};
    const auto until = call.body.find("until");
    if (until == call.body.end() || until->is_null()) return order;
    order.until = parse_rfc3339(until->get_ref<const std::string&>());
    if (!order.until) {
        throw invalid("Something is wrong with the body.",
                      {{"/until", "format", "must be a time such as 2026-11-22T10:00:00Z"}});
    }
    if (*order.until <= call.now) {
        throw invalid("Something is wrong with the body.", {{"/until", "range", "is over already"}});
    }
    return order;
}

asio::awaitable<HttpResponse> pause(const Api& api, const Call& call) {
    const Control::Stage stage = stage_of(call.parameter("stage"));
    PauseOrder order = order_of(call);
    const Result<void> result = co_await api.services().control.pause(stage, std::move(order));
    co_return done_or_problem(result);
}

asio::awaitable<HttpResponse> resume(const Api& api, const Call& call) {
    const Control::Stage stage = stage_of(call.parameter("stage"));
    const Result<void> result = co_await api.services().control.resume(stage);
    co_return done_or_problem(result);
}

asio::awaitable<HttpResponse> act_on_study(const Api& api, const Call& call, StudyAction action) {
    const std::string id = call.parameter("id");
    const Result<void> result = co_await (api.services().control.*action)(id);
    co_return done_or_problem(result);
}

}  // namespace

void add_pipeline_actions(Api& api) {
    api.wait({.method = "POST",
              .path = "/pipeline/stages/{stage}/actions/pause",
              .id = "pauseStage",
              .summary = "Finishes what runs and begins nothing new, until a time or until it is resumed",
              .tag = "system",
              .access = Access::operate,
              .scope = "operate",
              .body = schema::object({{"reason?", schema::text(500)}, {"until?", schema::optional(schema::text(40))}}),
              .body_is_optional = true,
              .status = 204},
             [&api](Call& call) { return pause(api, call); });
    api.wait({.method = "POST",
              .path = "/pipeline/stages/{stage}/actions/resume",
              .id = "resumeStage",
              .summary = "Goes on",
              .tag = "system",
              .access = Access::operate,
              .scope = "operate",
              .status = 204},
             [&api](Call& call) { return resume(api, call); });
    struct StudyVerb {
        const char* verb;
        const char* id;
        const char* summary;
        StudyAction action;
    };
    static constexpr StudyVerb study_verbs[] = {
        {"complete", "completeStudy", "Takes it as complete now", &Control::complete_study},
        {"discard", "discardStudy", "Moves it to discard", &Control::discard_study},
        {"extend", "extendStudy", "Lets the waiting begin anew", &Control::extend_study}};
    for (const StudyVerb& verb : study_verbs) {
        api.wait({.method = "POST",
                  .path = std::string("/studies/{id}/actions/") + verb.verb,
                  .id = verb.id,
                  .summary = verb.summary,
                  .tag = "studies",
                  .access = Access::operate,
                  .scope = "operate",
                  .status = 204},
                 [&api, action = verb.action](Call& call) { return act_on_study(api, call, action); });
    }
}

}  // namespace quicksilver::api
