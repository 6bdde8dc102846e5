#include "problem_error.hpp"

#include "quicksilver/http/problem.hpp"

namespace quicksilver::api {

HttpResponse ProblemError::answer(const HttpRequest& request) const {
    HttpResponse response = make_problem(request, status_, code_, what());
    response.headers = headers_;
    if (errors_.empty() && members_.empty()) return response;
    nlohmann::ordered_json problem = nlohmann::ordered_json::parse(response.body);
    for (const FieldError& error : errors_) {
        problem["errors"].push_back({{"pointer", error.pointer}, {"code", error.code}, {"detail", error.detail}});
    }
    for (const auto& [name, value] : members_.items()) problem[name] = value;
    response.body = problem.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

}  // namespace quicksilver::api
