#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "running_operations.hpp"
#include "series_list.hpp"

#include <fmt/format.h>

#include <functional>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr std::size_t ids_max = 1000;
/// More become an operation, so that no request takes long.
constexpr std::size_t at_once_max = 10;

/// What is to be done to each task.
struct Order {
    Control::TaskAction action = Control::TaskAction::cancel;
    bool remove = false;
    std::vector<std::string> targets;  ///< not empty: send it there instead
};

/// One object of a request: a series with its tasks, or a task.
struct Chosen {
    std::string id;
    std::vector<std::string> tasks;
};

asio::awaitable<Result<std::string>> act_on(Control& control, const Order& order, std::string task) {
    if (!order.targets.empty()) co_return co_await control.send_task(task, order.targets);
    Result<void> done;
    if (order.remove) {
        done = co_await control.remove_task(task);
    } else {
        done = co_await control.act_on_task(order.action, task);
    }
    if (!done) co_return done.error();
    co_return task;
}

/// {"id","ok","tasks","code","detail"}. Of the tasks of a series those are meant that can do it at all; to other
/// targets only one is sent, because all have the same images.
asio::awaitable<Json> act_on(Control& control, const Order& order, Chosen chosen) {
    Json tasks = Json::array();
    std::optional<Error> refused;
    for (const std::string& task : chosen.tasks) {
        const Result<std::string> done = co_await act_on(control, order, task);
        if (done) {
            tasks.push_back(*done);
            if (!order.targets.empty()) break;
        } else if (!refused || refused->code == Errc::not_found) {
            refused = done.error();
        }
    }
    Json result = {{"id", chosen.id}, {"ok", !tasks.empty()}, {"code", nullptr}, {"detail", nullptr}};
    if (tasks.empty()) {
        result["code"] = refused ? problem_code(refused->code) : "not_found";
        result["detail"] = refused ? refused->message : "There is no task of this series (any more).";
    }
    result["tasks"] = std::move(tasks);
    co_return result;
}

asio::awaitable<Json> act_on_all(Control& control, Order order, std::vector<Chosen> all,
                                 Operations::Operation* operation) {
    Json results = Json::array();
    std::uint64_t done = 0;
    if (operation) operation->set_total(all.size(), "items");
    for (Chosen& chosen : all) {
        if (operation && operation->is_cancelled()) break;
        Json result = co_await act_on(control, order, std::move(chosen));
        if (result["ok"]) ++done;
        results.push_back(std::move(result));
        if (operation) operation->advance();
    }
    const std::uint64_t failed = results.size() - done;
    Json answer = {{"done", done}, {"failed", failed}};
    answer["results"] = std::move(results);
    co_return answer;
}

asio::awaitable<Result<Json>> run_order(Control& control, Order order, std::vector<Chosen> all,
                                        Operations::Operation& operation) {
    Json results = co_await act_on_all(control, std::move(order), std::move(all), &operation);
    co_return Result<Json>(std::move(results));
}

std::vector<Chosen> with_tasks(History& history, const std::vector<std::string>& series) {
    std::vector<Chosen> all;
    for (const std::string& uid : series) {
        Chosen chosen{uid, {}};
        for (const TaskItem& task : history.tasks_of_series(uid)) chosen.tasks.push_back(task.id);
        all.push_back(std::move(chosen));
    }
    return all;
}

/// The series that the body names or filters. On a reader's thread.
std::vector<Chosen> chosen_series(const Api& api, const Call& call) {
    const Json& body = call.body;
    if (body.contains("ids") == body.contains("filter")) {
        throw invalid("Something is wrong with the body.", {{"", "choice", "give either ids or filter"}});
    }
    return api.services().history.ask([&](History& history) {
        if (body.contains("ids")) return with_tasks(history, body["ids"].get<std::vector<std::string>>());
        if (!body.contains("expected_count")) {
            throw invalid("Something is wrong with the body.",
                          {{"/expected_count", "missing", "is needed with a filter, so that no more is touched"}});
        }
        SeriesFilter filter = read_series_filter(body["filter"], call.may_see_patients());
        filter.limit = ids_max + 1;
        std::vector<std::string> ids;
        for (const SeriesItem& item : history.series(filter)) ids.push_back(item.series_uid);
        if (ids.size() > ids_max) {
            throw ProblemError(422, "too_many", fmt::format("These are more than {} series; narrow it down.", ids_max));
        }
        if (ids.size() != body["expected_count"]) {
            throw ProblemError(409, "count_moved", fmt::format("These are {} series now; look again.", ids.size()))
                .with("count", ids.size());
        }
        return with_tasks(history, ids);
    });
}

std::vector<Chosen> chosen_tasks(const Call& call) {
    std::vector<Chosen> all;
    for (const Json& id : call.body["ids"]) all.push_back({id.get<std::string>(), {id.get<std::string>()}});
    return all;
}

/// Some of the ids; all of a thousand would bury the rest of the audit.
std::string audited(const std::vector<Chosen>& all) {
    constexpr std::size_t named_max = 10;
    std::string text;
    for (std::size_t n = 0; n < std::min(all.size(), named_max); ++n) text += (n > 0 ? ", " : "") + all[n].id;
    if (all.size() > named_max) text += fmt::format(" and {} more", all.size() - named_max);
    return text;
}

asio::awaitable<HttpResponse> carry_out(const Api& api, Call& call, Order order, std::vector<Chosen> all) {
    call.audited_object = audited(all);
    Control& control = api.services().control;
    if (all.size() <= at_once_max) {
        Json results = co_await act_on_all(control, std::move(order), std::move(all), nullptr);
        co_return make_json(results);
    }
    const std::string object = fmt::format("{} items", all.size());
    Operations::Work work = [&control, order = std::move(order), all = std::move(all)](auto& operation) {
        return run_order(control, order, all, operation);
    };
    co_return begin_operation(api, call, object, std::move(work));
}

struct Verb {
    const char* verb;
    const char* id;  ///< with Series or Tasks behind it
    const char* summary;
    Order (*order)(const Json& body);
    bool takes_targets = false;
};

Order retry_order(const Json&) {
    return Order{Control::TaskAction::send_missing, false, {}};
}

Order resend_order(const Json& body) {
    return Order{Control::TaskAction::send_all, false, body.value("targets", std::vector<std::string>())};
}

constexpr Verb verbs[] = {
    {"retry", "retry", "Tries at once what failed or waits for its next attempt: its modules, or its deliveries",
     retry_order},
    {"resend", "resend", "Sends everything once more, or as a new task to other targets", resend_order, true},
    {"cancel", "cancel", "Takes it out of processing and delivery, into error",
     [](const Json&) {
         return Order{Control::TaskAction::cancel, false, {}};
     }},
    {"prioritize", "prioritize", "Puts it before all others in its queues",
     [](const Json&) {
         return Order{Control::TaskAction::put_first, false, {}};
     }},
    {"delete", "delete", "Removes the files of what has ended; its history stays", [](const Json&) {
         return Order{Control::TaskAction::cancel, true, {}};
     }}};

Operation operation_of(const Verb& verb, const std::string& tag, const std::string& title, Json body) {
    if (verb.takes_targets) body["properties"]["targets"] = schema::list_of(schema::required_text(200));
    const Json count = schema::integer(0, INT64_MAX);
    const Json result = schema::object({{"id", schema::text()},
                                        {"ok", schema::boolean()},
                                        {"tasks", schema::list_of(schema::text())},
                                        {"code", schema::optional(schema::text())},
                                        {"detail", schema::optional(schema::text(100'000))}});
    return Operation{
        .method = "POST",
        .path = "/" + tag + "/actions/" + verb.verb,
        .id = verb.id + title,
        .summary = verb.summary,
        .tag = tag,
        .access = Access::operate,
        .scope = "operate",
        .body = std::move(body),
        .answer = schema::object({{"done", count}, {"failed", count}, {"results", schema::list_of(result)}}),
        .may_take_long = true};
}

asio::awaitable<HttpResponse> act_on_series(const Api& api, Call& call, const Verb& verb) {
    auto choose = [&] { return chosen_series(api, call); };
    std::vector<Chosen> chosen = co_await run_blocking(api.services().readers_pool, choose);
    Order order = verb.order(call.body);
    co_return co_await carry_out(api, call, std::move(order), std::move(chosen));
}

asio::awaitable<HttpResponse> act_on_tasks(const Api& api, Call& call, const Verb& verb) {
    Order order = verb.order(call.body);
    std::vector<Chosen> chosen = chosen_tasks(call);
    co_return co_await carry_out(api, call, std::move(order), std::move(chosen));
}

}  // namespace

void add_task_actions(Api& api) {
    Json ids = schema::list_of(schema::required_text(200));
    ids["minItems"] = 1;
    ids["maxItems"] = ids_max;
    const Json of_series = schema::object(
        {{"ids?", ids}, {"filter?", series_filter_schema()}, {"expected_count?", schema::integer(0, ids_max)}});
    const Json of_tasks = schema::object({{"ids", ids}});
    for (const Verb& verb : verbs) {
        api.wait(operation_of(verb, "series", "Series", of_series),
                 [&api, &verb](Call& call) { return act_on_series(api, call, verb); });
        api.wait(operation_of(verb, "tasks", "Tasks", of_tasks),
                 [&api, &verb](Call& call) { return act_on_tasks(api, call, verb); });
    }
}

}  // namespace quicksilver::api
