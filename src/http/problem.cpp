#include "quicksilver/http/problem.hpp"

#include <boost/beast/http/status.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace quicksilver {

namespace {

std::string as_text(const nlohmann::ordered_json& content) {
    return content.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

HttpResponse make_problem(const HttpRequest& request, unsigned status, std::string_view code, std::string_view detail) {
    nlohmann::ordered_json problem;
    problem["type"] = fmt::format("/problems/{}", code);
    problem["title"] = reason_of_status(status);
    problem["status"] = status;
    problem["detail"] = detail;
    problem["instance"] = request.prefix + request.path;
    problem["code"] = code;
    problem["request_id"] = request.id;
    HttpResponse response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = as_text(problem);
    return response;
}

HttpResponse make_json(const nlohmann::json& content, unsigned status) {
    HttpResponse response;
    response.status = status;
    response.content_type = "application/json";
    response.body = content.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return response;
}

std::string_view reason_of_status(unsigned status) {
    // Beast 1.81 does not know the name that RFC 9110 §15.5.20 gives.
    if (status == 421) return "Misdirected Request";
    const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
    return std::string_view(reason.data(), reason.size());
}

}  // namespace quicksilver
