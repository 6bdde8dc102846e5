#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

HttpResponse answer(const Result<void>& result) {
    if (result) return no_content();
    switch (result.error().code) {
        case Errc::not_found:
            throw not_found(result.error().message);
        case Errc::busy:
        case Errc::refused:
        case Errc::already_exists:
            throw conflict("state", result.error().message);
        case Errc::invalid:
            throw invalid(result.error().message, {});
        default:
            throw ProblemError(503, "unavailable", result.error().message).with_header("Retry-After", "5");
    }
}

using StageAction = asio::awaitable<Result<void>> (Control::*)(Control::Stage);
using StudyAction = asio::awaitable<Result<void>> (Control::*)(std::string);

asio::awaitable<HttpResponse> act_on_stage(const Api& api, const Call& call, StageAction action) {
    const std::string& name = call.parameter("stage");
    if (name != "process" && name != "dispatch") throw not_found("There is no stage of this name to pause.");
    const Control::Stage stage = name == "process" ? Control::Stage::process : Control::Stage::dispatch;
    const Result<void> result = co_await (api.services().control.*action)(stage);
    co_return answer(result);
}

asio::awaitable<HttpResponse> act_on_study(const Api& api, const Call& call, StudyAction action) {
    const std::string id = call.parameter("id");
    const Result<void> result = co_await (api.services().control.*action)(id);
    co_return answer(result);
}

}  // namespace

void add_pipeline_actions(Api& api) {
    struct StageVerb {
        const char* verb;
        const char* id;
        const char* summary;
        StageAction action;
    };
    static constexpr StageVerb stage_verbs[] = {
        {"pause", "pauseStage", "Finishes what runs and begins nothing new", &Control::pause},
        {"resume", "resumeStage", "Goes on", &Control::resume}};
    for (const StageVerb& verb : stage_verbs) {
        api.wait({.method = "POST",
                  .path = std::string("/pipeline/stages/{stage}/actions/") + verb.verb,
                  .id = verb.id,
                  .summary = verb.summary,
                  .tag = "system",
                  .access = Access::operate,
                  .scope = "operate",
                  .status = 204},
                 [&api, action = verb.action](Call& call) { return act_on_stage(api, call, action); });
    }
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
