#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"

#include "config_editing.hpp"
#include "running_operations.hpp"
#include "target_health.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t window_s_default = 86'400;
constexpr std::int64_t window_s_max = 31LL * 86'400;
/// What the name of an unsaved target is when it has none yet.
constexpr const char* unnamed = "new-target";

TargetStatus status_of(const Api& api, const std::string& name) {
    for (TargetStatus& target : api.services().status.pipeline().targets) {
        if (target.name == name) return std::move(target);
    }
    throw not_found("There is no such target.");
}

Json step_json(const TargetTestStep& step) {
    return {
        {"name", step.name}, {"ok", step.ok}, {"ms", step.took.count()}, {"detail", step.detail}, {"hint", step.hint}};
}

Result<Json> verdict(const Result<Control::Steps>& tested) {
    if (!tested) return tested.error();
    Json steps = Json::array();
    for (const TargetTestStep& step : *tested) steps.push_back(step_json(step));
    const bool ok = !tested->empty() && tested->back().ok;
    return Json{{"ok", ok}, {"steps", std::move(steps)}};
}

/// What its owner, or the end of the server, ends the test with.
Control::Stop stop_of(Operations::Operation& operation) {
    auto stop = std::make_shared<StopFlag>(false);
    operation.on_cancel([stop] { stop->store(true); });
    return stop;
}

asio::awaitable<Result<Json>> test_saved(Control& control, std::string name, Operations::Operation& operation) {
    Control::StepObserver on_step = [&operation](const TargetTestStep& step) { operation.add_step(step_json(step)); };
    const Result<Control::Steps> tested =
        co_await control.test_target(std::move(name), stop_of(operation), std::move(on_step));
    co_return verdict(tested);
}

asio::awaitable<Result<Json>> test_draft(Control& control, std::string document, std::string name,
                                         Operations::Operation& operation) {
    Control::StepObserver on_step = [&operation](const TargetTestStep& step) { operation.add_step(step_json(step)); };
    const Result<Control::Steps> tested = co_await control.test_unsaved_target(std::move(document), std::move(name),
                                                                               stop_of(operation), std::move(on_step));
    co_return verdict(tested);
}

asio::awaitable<HttpResponse> begin_test(const Api& api, const Call& call) {
    const std::string name = call.parameter("name");
    status_of(api, name);
    Control& control = api.services().control;
    Operations::Work work = [&control, name](Operations::Operation& operation) {
        return test_saved(control, name, operation);
    };
    co_return begin_operation(api, call, name, std::move(work));
}

/// Who may not change the configuration must not let the server use what lies on its machine either: files and
/// variables with secrets would be sent to where the draft says, keys tried out, and test files written anywhere.
void refuse_use_of_the_machine(const Json& draft, const Ordered& saved) {
    const FieldTable fields = target_fields(draft.value("target_type", ""));
    if (fields.empty()) {
        throw invalid("Something is wrong with the target.", {{"/target_type", "missing", "name its type"}});
    }
    for (const auto& [key, value] : draft.items()) {
        if (saved.is_object() && saved.contains(key) && Json(saved[key]) == value) continue;
        const ConfigField* field = find_field(fields, key);
        const bool is_path = field != nullptr && field->type == FieldType::path && value != "" && !value.is_null();
        const bool is_local = value.is_string() && value.get_ref<const std::string&>().starts_with("file:");
        if (!value.is_object() && !is_path && !is_local) continue;
        throw ProblemError(403, "forbidden",
                           fmt::format("Only who may change the configuration may test with such a `{}`.", key));
    }
}

/// The configuration as it would be with this target, and the target's name. For those who may change the saved target
/// of this name, its secrets take the place of the ones that they could not know; for others that would be a way to
/// have them sent elsewhere. On the administration's thread.
std::pair<std::string, std::string> with_draft(const Api& api, const Call& call) {
    Json target = call.body;
    std::string name = target.value("name", "");
    if (name.empty()) name = unnamed;
    check_object_name(name);
    target.erase("name");
    target.erase("order");
    const ConfigHistory history = history_of(api);
    Ordered document = history.document();
    Ordered& targets = document["targets"];
    if (targets.is_null()) targets = Ordered::object();
    const bool may_change = call.who->may(Role::admin, "configure");
    if (!may_change) refuse_use_of_the_machine(target, targets.contains(name) ? targets[name] : Ordered());
    const bool has_secrets = targets.contains(name) && may_change;
    const Ordered before = has_secrets ? targets[name] : Ordered::object();
    const Ordered shown = shown_config(document);
    const Ordered before_shown = has_secrets ? shown["targets"][name] : Ordered::object();
    targets[name] = with_secrets(target, before, before_shown);
    const std::string text = document.dump();
    auto faults =
        faults_of(api.services().config.check(text).problems, ProblemSeverity::error, path_of("targets", name));
    if (!faults.empty()) throw invalid("Something is wrong with the target.", std::move(faults));
    return {text, name};
}

asio::awaitable<HttpResponse> begin_draft_test(const Api& api, const Call& call) {
    auto make = [&] { return with_draft(api, call); };
    const auto draft = co_await run_blocking(api.services().administration_pool, make);
    Control& control = api.services().control;
    Operations::Work work = [&control, draft](Operations::Operation& operation) {
        return test_draft(control, draft.first, draft.second, operation);
    };
    co_return begin_operation(api, call, draft.second, std::move(work));
}

asio::awaitable<HttpResponse> show_health(const Api& api, const Call& call) {
    const TargetStatus status = status_of(api, call.parameter("name"));
    std::int64_t window_s = window_s_default;
    const std::string asked = call.query("window_s");
    std::from_chars(asked.data(), asked.data() + asked.size(), window_s);
    const WallTime since = call.now - std::chrono::seconds(window_s);
    auto look = [&] {
        return api.services().history.ask(
            [&](History& history) { return history.events_of_target(status.name, rfc3339(since)); });
    };
    const auto events = co_await run_blocking(api.services().readers_pool, look);
    Json content = to_json(status);
    content.update(delivery_statistics(events, since, call.now));
    content["window_s"] = window_s;
    co_return make_json(content);
}

asio::awaitable<HttpResponse> act(const Api& api, const Call& call, Control::TargetAction action) {
    const std::string name = call.parameter("name");
    const Result<void> result = co_await api.services().control.act_on_target(action, name);
    co_return done_or_problem(result);
}

void add_test_operations(Api& api) {
    api.wait({.method = "POST",
              .path = "/targets/test",
              .id = "testUnsavedTarget",
              .summary = "Tests a target that is not saved, step by step",
              .tag = "targets",
              .access = Access::operate,
              .scope = "operate",
              .body = schema::any_object(),
              .answer = Api::reference("Operation"),
              .status = 202},
             [&api](Call& call) { return begin_draft_test(api, call); });
    api.wait({.method = "POST",
              .path = "/targets/{name}/test",
              .id = "testTarget",
              .summary = "Tests it step by step: name, address, encryption, association or log-in, write access",
              .tag = "targets",
              .access = Access::operate,
              .scope = "operate",
              .answer = Api::reference("Operation"),
              .status = 202},
             [&api](Call& call) { return begin_test(api, call); });
}

}  // namespace

void add_target_actions(Api& api) {
    add_test_operations(api);
    Json health = schema::any_object();
    api.wait({.method = "GET",
              .path = "/targets/{name}/health",
              .id = "getTargetHealth",
              .summary = "Its queue, whether it is reached, and how deliveries went in the past",
              .tag = "targets",
              .query = {{"window_s", schema::integer(60, window_s_max), "How far back; 86400."}},
              .answer = health},
             [&api](Call& call) { return show_health(api, call); });
    struct Verb {
        const char* verb;
        const char* id;
        const char* summary;
        Control::TargetAction action;
    };
    static constexpr Verb verbs[] = {
        {"pause", "pauseTarget", "Begins no delivery to it; those that run go on", Control::TargetAction::pause},
        {"resume", "resumeTarget", "Goes on delivering to it", Control::TargetAction::resume},
        {"drain", "drainTarget", "Delivers what waits now, holds what comes, then pauses",
         Control::TargetAction::drain},
        {"retry-now", "retryTarget", "Looks at once whether it is back, and tries what waits for its next attempt",
         Control::TargetAction::retry_now}};
    for (const Verb& verb : verbs) {
        api.wait({.method = "POST",
                  .path = std::string("/targets/{name}/actions/") + verb.verb,
                  .id = verb.id,
                  .summary = verb.summary,
                  .tag = "targets",
                  .access = Access::operate,
                  .scope = "operate",
                  .status = 204},
                 [&api, action = verb.action](Call& call) { return act(api, call, action); });
    }
}

}  // namespace quicksilver::api
