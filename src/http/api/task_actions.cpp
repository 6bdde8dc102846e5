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

/// What is to be done to each series, or to each of its tasks.
struct Order {
    enum class What {
        act,
        remove,
        send,     ///< to `targets`
        route,    ///< the series, by `rule` alone unless it is ""
        hold,     ///< the series, for `user`
        release,  ///< the series
    };
    What what = What::act;
    Control::TaskAction action = Control::TaskAction::cancel;
    std::vector<std::string> targets;
    std::string rule;
    std::string user;

    bool is_for_series() const { return what == What::route || what == What::hold || what == What::release; }
};

/// One object of a request: a series with its tasks, or a task.
struct Chosen {
    std::string id;
    std::string study_uid;
    std::vector<std::string> tasks;
};

using Names = Result<std::vector<std::string>>;

asio::awaitable<Names> act_on_series(Control& control, const Order& order, SeriesChoice series) {
    if (order.what == Order::What::hold) co_return co_await control.hold_series(std::move(series), order.user);
    if (order.what == Order::What::release) co_return co_await control.release_series(std::move(series));
    const Result<std::string> task = co_await control.route_series(std::move(series), order.rule);
    if (!task) co_return task.error();
    co_return std::vector<std::string>(1, *task);
}

asio::awaitable<Result<std::string>> act_on(Control& control, const Order& order, std::string task) {
    if (order.what == Order::What::send) co_return co_await control.send_task(task, order.targets);
    Result<void> done;
    if (order.what == Order::What::remove) {
        done = co_await control.remove_task(task);
    } else {
        done = co_await control.act_on_task(order.action, task);
    }
    if (!done) co_return done.error();
    co_return task;
}

/// Of the tasks of a series those are meant that can do it at all; to other targets only one is sent, because all have
/// the same images.
asio::awaitable<Names> act_on_tasks(Control& control, const Order& order, const std::vector<std::string>& all) {
    std::vector<std::string> tasks;
    std::optional<Error> refused;
    for (const std::string& task : all) {
        const Result<std::string> done = co_await act_on(control, order, task);
        if (done) {
            tasks.push_back(*done);
            if (order.what == Order::What::send) break;
        } else if (!refused || refused->code == Errc::not_found) {
            refused = done.error();
        }
    }
    if (tasks.empty() && refused) co_return *refused;
    co_return tasks;
}

/// {"id","ok","tasks","code","detail"}
asio::awaitable<Json> act_on(Control& control, const Order& order, Chosen chosen) {
    std::optional<Names> done;
    if (order.is_for_series()) {
        SeriesChoice series{chosen.id, std::move(chosen.study_uid), std::move(chosen.tasks)};
        done.emplace(co_await act_on_series(control, order, std::move(series)));
    } else {
        done.emplace(co_await act_on_tasks(control, order, chosen.tasks));
    }
    const std::vector<std::string> tasks = *done ? **done : std::vector<std::string>();
    const std::optional<Error> refused = *done ? std::optional<Error>() : done->error();
    Json result = {{"id", chosen.id}, {"ok", !tasks.empty()}, {"code", nullptr}, {"detail", nullptr}};
    if (tasks.empty()) {
        result["code"] = refused ? problem_code(refused->code) : "not_found";
        result["detail"] = refused ? refused->message : "There is no task of this series (any more).";
    }
    result["tasks"] = tasks;
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
        const auto known = history.find_series(uid);
        Chosen chosen{uid, known ? known->study_uid : "", {}};
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
        SeriesFilter filter = read_series_filter(api, body["filter"], call.may_see_patients());
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
    for (const Json& id : call.body["ids"]) all.push_back({id.get<std::string>(), "", {id.get<std::string>()}});
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
    Order (*order)(const Call& call);
    bool of_tasks = true;   ///< there is one for tasks, too
    const char* more = "";  ///< a member of the body
};

Order simple(Order::What what, Control::TaskAction action = Control::TaskAction::cancel) {
    Order order;
    order.what = what;
    order.action = action;
    return order;
}

Order retry_order(const Call& call) {
    const std::string from = call.body.value("from", "failed");
    if (from == "start") return simple(Order::What::route);
    const auto action = from == "process"    ? Control::TaskAction::process
                        : from == "dispatch" ? Control::TaskAction::deliver
                                             : Control::TaskAction::send_missing;
    return simple(Order::What::act, action);
}

Order resend_order(const Call& call) {
    Order order = simple(Order::What::act, Control::TaskAction::send_all);
    order.targets = call.body.value("targets", std::vector<std::string>());
    if (!order.targets.empty()) order.what = Order::What::send;
    return order;
}

Order reroute_order(const Call& call) {
    Order order = simple(Order::What::route);
    order.rule = call.body["rule"];
    return order;
}

Order hold_order(const Call& call) {
    Order order = simple(Order::What::hold);
    order.user = call.user().username;
    return order;
}

constexpr Verb verbs[] = {
    {"retry", "retry",
     "Tries at once what failed or waits; or, from elsewhere than where it failed: its modules, what is not delivered, "
     "or all from the start, by today's rules",
     retry_order, true, "from"},
    {"resend", "resend", "Sends everything once more, or as a new task to other targets", resend_order, true,
     "targets"},
    {"reroute", "reroute", "Routes it again from its images, as if this rule alone had triggered", reroute_order, false,
     "rule"},
    {"cancel", "cancel", "Takes it out of processing and delivery, into error",
     [](const Call&) { return simple(Order::What::act, Control::TaskAction::cancel); }},
    {"prioritize", "prioritize", "Puts it before all others in its queues",
     [](const Call&) { return simple(Order::What::act, Control::TaskAction::put_first); }},
    {"hold", "hold", "Keeps its files, whatever their age and however full the disk, until it is released", hold_order,
     false},
    {"release", "release", "Lets its files be removed when their time has come",
     [](const Call&) { return simple(Order::What::release); }, false},
    {"delete", "delete", "Removes the files of what has ended; its history stays",
     [](const Call&) { return simple(Order::What::remove); }}};

Operation operation_of(const Verb& verb, const std::string& tag, const std::string& title, Json body) {
    const std::string more = verb.more;
    if (more == "targets") body["properties"][more] = schema::list_of(schema::required_text(200));
    if (more == "from") {
        std::vector<std::string> places = {"failed", "process", "dispatch"};
        if (tag == "series") places.emplace_back("start");
        body["properties"][more] = schema::choice(places);
    }
    if (more == "rule") {
        body["properties"][more] = schema::required_text(200);
        body["required"].push_back(more);
    }
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
    Order order = verb.order(call);
    auto choose = [&] { return chosen_series(api, call); };
    std::vector<Chosen> chosen = co_await run_blocking(api.services().readers_pool, choose);
    co_return co_await carry_out(api, call, std::move(order), std::move(chosen));
}

asio::awaitable<HttpResponse> act_on_tasks(const Api& api, Call& call, const Verb& verb) {
    Order order = verb.order(call);
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
        if (!verb.of_tasks) continue;
        api.wait(operation_of(verb, "tasks", "Tasks", of_tasks),
                 [&api, &verb](Call& call) { return act_on_tasks(api, call, verb); });
    }
}

}  // namespace quicksilver::api
