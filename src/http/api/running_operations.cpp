#include "running_operations.hpp"

#include "quicksilver/http/problem.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

Json operation_schema() {
    const Json count = schema::integer(0, INT64_MAX);
    return schema::object(
        {{"id", schema::text()},
         {"kind", schema::text()},
         {"object", schema::text(10'000)},
         {"state", schema::choice({"running", "done", "failed", "cancelled"})},
         {"started_at", schema::time()},
         {"ended_at", schema::optional(schema::time())},
         {"progress", schema::object({{"done", count}, {"total", count}, {"unit", schema::text()}})},
         {"steps", schema::list_of(schema::any_object())},
         {"result", schema::any()},
         {"problem", schema::optional(schema::object({{"code", schema::text()}, {"detail", schema::text(100'000)}}))}});
}

/// Others than its owner are not told that it exists.
std::shared_ptr<Operations::Operation> find(const Api& api, const Call& call) {
    auto operation = api.services().operations.find(call.parameter("id"));
    if (!operation) throw not_found("There is no such operation, or it ended more than an hour ago.");
    const bool mine = operation->owner() == call.user().id;
    if (!mine) throw not_found("There is no such operation, or it ended more than an hour ago.");
    return operation;
}

Json view_for(const Call& call, const Operations::Operation& operation) {
    Json view = operation.view();
    if (operation.names_patients() && !call.may_see_patients()) view["result"] = nullptr;
    return view;
}

asio::awaitable<HttpResponse> show(const Api& api, const Call& call) {
    const auto operation = find(api, call);
    co_return make_json(view_for(call, *operation));
}

asio::awaitable<HttpResponse> cancel(const Api& api, const Call& call) {
    const auto operation = find(api, call);
    if (operation->state() != Operations::State::running) throw conflict("state", "It has ended already.");
    operation->cancel();
    co_return no_content();
}

}  // namespace

HttpResponse begin_operation(const Api& api, const Call& call, const std::string& object, Operations::Work work) {
    const auto begun = api.services().operations.begin(call.operation.id, object, call.user().id, std::move(work));
    if (!begun) throw ProblemError(503, "busy", begun.error().message).with_header("Retry-After", "5");
    HttpResponse response = make_json(view_for(call, **begun), 202);
    response.headers.emplace_back("Location", fmt::format("{}/operations/{}", api_base, (*begun)->id()));
    return response;
}

HttpResponse done_or_problem(const Result<void>& result) {
    if (!result) throw_problem(result.error());
    return no_content();
}

void throw_problem(const Error& error) {
    const std::string_view code = problem_code(error.code);
    if (code == "not_found") throw not_found(error.message);
    if (code == "state") throw conflict("state", error.message);
    if (code == "invalid") throw invalid(error.message, {});
    throw ProblemError(503, "unavailable", error.message).with_header("Retry-After", "5");
}

void add_running_operations(Api& api) {
    api.define("Operation", operation_schema());
    api.wait({.method = "GET",
              .path = "/operations/{id}",
              .id = "getOperation",
              .summary = "How far it is, and its result; only for who began it",
              .tag = "operations",
              .answer = Api::reference("Operation")},
             [&api](Call& call) { return show(api, call); });
    api.wait({.method = "DELETE",
              .path = "/operations/{id}",
              .id = "cancelOperation",
              .summary = "Ends it after the piece of work that it is at",
              .tag = "operations",
              .access = Access::operate,
              .scope = "operate",
              .status = 204},
             [&api](Call& call) { return cancel(api, call); });
}

}  // namespace quicksilver::api
