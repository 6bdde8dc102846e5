#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/module_control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "compress.hpp"
#include "module_log_stream.hpp"
#include "patient_data.hpp"
#include "timeline.hpp"

#include <charconv>
#include <fstream>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t tail_default = 1000;
constexpr std::int64_t tail_max = 20'000;
constexpr std::uintmax_t log_bytes_max = 4 * 1024 * 1024;

/// Throws ProblemError 404.
TaskItem existing(History& history, const Call& call) {
    auto task = history.find_task(call.parameter("id"));
    if (!task) throw not_found("There is no such task.");
    return *std::move(task);
}

/// How far the deliveries of a task.json are: {"target","state","attempts","next_retry_at","reason","via"}
Json deliveries_of(const std::string& task_json) {
    Json shown = Json::array();
    const Json task = Json::parse(task_json, nullptr, false);
    const auto dispatch = task.is_object() ? task.find("dispatch") : task.end();
    if (!task.is_object() || dispatch == task.end() || !dispatch->is_object()) return shown;
    const auto statuses = dispatch->find("status");
    if (statuses == dispatch->end() || !statuses->is_object()) return shown;
    for (const auto& [target, status] : statuses->items()) {
        if (!status.is_object()) continue;
        const auto text = [&status](const char* member) {
            const auto value = status.find(member);
            return value != status.end() && value->is_string() ? *value : Json();
        };
        const auto attempts = status.find("attempts");
        const auto next = status.find("next_retry_at");
        Json next_retry_at;
        if (next != status.end() && next->is_number()) {
            const auto since_1970 = std::chrono::duration<double>(next->get<double>());
            next_retry_at = rfc3339(WallTime(std::chrono::duration_cast<WallTime::duration>(since_1970)));
        }
        shown.push_back({{"target", target},
                         {"state", text("state")},
                         {"attempts", attempts != status.end() && attempts->is_number_integer() ? *attempts : Json(0)},
                         {"next_retry_at", std::move(next_retry_at)},
                         {"reason", text("reason")},
                         {"via", text("via")}});
    }
    return shown;
}

HttpResponse show_attempts(const Api& api, const Call& call) {
    return api.services().history.ask([&](History& history) {
        const TaskItem task = existing(history, call);
        Json attempts = Json::array();
        for (Json& span : make_timeline(history.events_of_task(task.id))) {
            if (span.at("kind") != "event") attempts.push_back(std::move(span));
        }
        return make_json({{"items", std::move(attempts)}, {"targets", deliveries_of(task.task_json)}});
    });
}

std::int64_t step_of(const Call& call) {
    std::int64_t step = -1;
    const std::string& text = call.parameter("step");
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (failed != std::errc() || end != text.data() + text.size() || step < 0) {
        throw not_found("Steps are numbered from 0.");
    }
    return step;
}

/// The end of a file, without the line that the limit cuts.
std::string read_tail(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::uintmax_t>(std::max<std::streamoff>(0, file.tellg()));
    if (!file || size == 0) return "";
    const std::uintmax_t length = std::min(size, log_bytes_max);
    std::string text(length, '\0');
    file.seekg(static_cast<std::streamoff>(size - length));
    file.read(text.data(), static_cast<std::streamsize>(length));
    text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
    return length < size ? text.substr(std::min(text.find('\n') + 1, text.size())) : text;
}

std::int64_t tail_of(const Call& call) {
    std::int64_t tail = tail_default;
    const std::string asked = call.query("tail");
    std::from_chars(asked.data(), asked.data() + asked.size(), tail);
    return tail;
}

ProblemError nothing_said() {
    return not_found("Nothing is kept of what a module said at this step.");
}

HttpResponse show_log(const Api& api, const Call& call) {
    const std::int64_t step = step_of(call);
    const std::string text = api.services().history.ask([&](History& history) {
        const TaskItem task = existing(history, call);
        const auto parts = history.module_log(task.id, step);
        if (parts.empty()) throw nothing_said();
        std::string all;
        for (const ModuleLogPart& part : parts) all += part.file.empty() ? part.text : read_tail(part.file);
        return all;
    });
    HttpResponse response;
    response.content_type = "text/plain; charset=utf-8";
    response.body = last_lines(text, tail_of(call));
    compress(call.request, response);
    return response;
}

asio::awaitable<HttpResponse> follow_log(const Api& api, const Call& call) {
    ModuleLogStream::From from;
    from.task_id = call.parameter("id");
    from.step = step_of(call);
    from.tail = tail_of(call);
    const std::string_view last_id = call.request.header("Last-Event-ID");
    from.place = place_of_event_id(last_id, from.task_id, from.step).value_or(ModuleLogPlace());
    const bool runs = api.services().modules.may_say_more(from.task_id, from.step);
    auto look = [&] {
        return api.services().history.ask([&](History& history) {
            existing(history, call);
            return history.module_log_after(from.task_id, from.step, {}).is_known;
        });
    };
    const bool is_known = co_await run_blocking(api.services().readers_pool, look);
    if (!runs && !is_known) throw nothing_said();
    co_return LiveStream::answer(std::make_shared<ModuleLogStream>(api, call, std::move(from)));
}

asio::awaitable<HttpResponse> answer_log(const Api& api, const Call& call) {
    if (call.flag("follow")) co_return co_await follow_log(api, call);
    auto show = [&] { return show_log(api, call); };
    co_return co_await run_blocking(api.services().readers_pool, show);
}

HttpResponse show_result(const Api& api, const Call& call) {
    const std::int64_t step = step_of(call);
    return api.services().history.ask([&](History& history) {
        const TaskItem task = existing(history, call);
        const auto output = history.module_output(task.id, step);
        if (!output) throw not_found("The module of this step gave no result, or has not ended.");
        Json result = Json::parse(output->output, nullptr, false);
        return make_json({{"module", output->module},
                          {"time", output->time},
                          {"result", result.is_discarded() ? Json(output->output) : std::move(result)}});
    });
}

}  // namespace

void add_task_detail_operations(Api& api) {
    const std::string tag = "tasks";
    const Json delivery = schema::object({{"target", schema::text()},
                                          {"state", schema::optional(schema::text())},
                                          {"attempts", schema::integer(INT64_MIN, INT64_MAX)},
                                          {"next_retry_at", schema::optional(schema::time())},
                                          {"reason", schema::optional(schema::text(100'000))},
                                          {"via", schema::optional(schema::text())}});
    api.read({.method = "GET",
              .path = "/tasks/{id}/attempts",
              .id = "listTaskAttempts",
              .summary = "Each run of a module and each delivery that was tried, and how far its targets are",
              .tag = tag,
              .answer = schema::object(
                  {{"items", schema::list_of(schema::any_object())}, {"targets", schema::list_of(delivery)}})},
             [&api](Call& call) { return show_attempts(api, call); });
    // What a module says may name the patient.
    api.wait({.method = "GET",
              .path = "/tasks/{id}/steps/{step}/log",
              .id = "getTaskStepLog",
              .summary = "What the module of this step said when it ran last; its last lines, or all as it comes",
              .tag = tag,
              .phi = true,
              .query = {{"tail", schema::integer(1, tail_max), "Lines; 1000."},
                        {"follow", schema::boolean(), "As server-sent events, until the module has ended."}},
              .answer = schema::text(),
              .answer_type = "text/plain; charset=utf-8",
              .other_answer_type = "text/event-stream"},
             [&api](Call& call) { return answer_log(api, call); });
    api.read({.method = "GET",
              .path = "/tasks/{id}/steps/{step}/result",
              .id = "getTaskStepResult",
              .summary = "What the module of this step gave back as result.json",
              .tag = tag,
              .phi = true,
              .answer = schema::object(
                  {{"module", schema::text(10'000)}, {"time", schema::time()}, {"result", schema::any()}})},
             [&api](Call& call) { return show_result(api, call); });
}

}  // namespace quicksilver::api
