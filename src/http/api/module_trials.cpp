#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/module_control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "running_operations.hpp"
#include "series_files.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

Json shown(const ModuleTrialEnd& end) {
    Json outputs = Json::array();
    for (const ModuleTrialEnd::Output& output : end.outputs) {
        outputs.push_back({{"name", output.name}, {"bytes", output.bytes}});
    }
    return {{"ok", end.problem.empty()},
            {"problem", end.problem.empty() ? Json() : Json(end.problem)},
            {"exit_code", end.exit_code},
            {"seconds", end.seconds},
            {"image", end.image.empty() ? Json() : Json(end.image)},
            {"log", end.log},
            {"result", end.result},
            {"outputs", std::move(outputs)},
            {"outputs_total", end.outputs_total}};
}

/// On a thread of a pool.
std::vector<std::filesystem::path> find_files(const Api& api, const std::string& series_uid) {
    const auto tasks =
        api.services().history.ask([&](History& history) { return history.tasks_of_series(series_uid); });
    return files_of_series(api.services().folders, series_uid, tasks);
}

asio::awaitable<Result<Json>> try_module(const Api& api, ModuleTrialOrder order, Operations::Operation& operation) {
    std::string module = order.module;
    auto tell = [weak = operation.weak_from_this()](std::string name, std::string detail) {
        const auto there = weak.lock();
        const bool runs = there && there->state() == Operations::State::running;
        if (runs) there->add_step({{"name", std::move(name)}, {"ok", true}, {"detail", std::move(detail)}});
    };
    auto on_cancel = [&operation](std::function<void()> end) { operation.on_cancel(std::move(end)); };
    const auto ended = co_await api.services().modules.try_module(std::move(order), tell, on_cancel);
    if (!ended) co_return ended.error();
    // For who may not see the result, which may name patients.
    Json step = {{"name", "end"}, {"ok", ended->problem.empty()}};
    step["detail"] =
        fmt::format("exit code {} after {:.1f} s, {} files", ended->exit_code, ended->seconds, ended->outputs_total);
    operation.add_step(std::move(step));
    co_return shown(*ended);
}

asio::awaitable<HttpResponse> begin_trial(const Api& api, const Call& call) {
    const std::string module = call.parameter("name");
    const std::string series_uid = call.body.at("series_id");
    if (!api.services().config.snapshot()->find_module(module)) throw not_found("There is no such module.");
    auto look = [&] {
        const auto known =
            api.services().history.ask([&](History& history) { return history.find_series(series_uid).has_value(); });
        if (!known) throw not_found("There is no such series.");
        return find_files(api, series_uid).size();
    };
    const std::size_t files = co_await run_blocking(api.services().readers_pool, look);
    if (files == 0) throw ProblemError(410, "gone", "The files of this series are not here any more.");
    ModuleTrialOrder order;
    order.module = module;
    order.series_uid = series_uid;
    order.find_files = [&api, series_uid] { return find_files(api, series_uid); };
    Operations::Work work = [&api, order](Operations::Operation& operation) {
        operation.hide_result_from_others();
        return try_module(api, order, operation);
    };
    co_return begin_operation(api, call, module, std::move(work));
}

}  // namespace

void add_module_trial_operations(Api& api) {
    api.wait({.method = "POST",
              .path = "/modules/{name}/test-run",
              .id = "tryModule",
              .summary = "Runs the module on a copy of a series; nothing is delivered, and nothing of it is left",
              .tag = "modules",
              .access = Access::operate,
              .scope = "operate",
              .body = schema::object({{"series_id", schema::required_text(200)}}),
              .answer = Api::reference("Operation"),
              .status = 202},
             [&api](Call& call) { return begin_trial(api, call); });
}

}  // namespace quicksilver::api
