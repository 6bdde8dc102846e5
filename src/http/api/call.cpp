#include "call.hpp"

#include "quicksilver/http/assets.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver::api {

using nlohmann::json;

namespace {

/// `"r12-rule-ct"` → `"r12-rule-ct;`
std::string live_beginning(const std::string& etag) {
    return etag.substr(0, etag.size() - 1) + ";";
}

}  // namespace

std::vector<QueryParameter> paged(std::vector<QueryParameter> filters) {
    filters.push_back({"limit", {{"type", "integer"}, {"minimum", 1}, {"maximum", 500}}, "Items of a page; 50."});
    filters.push_back({"cursor", {{"type", "string"}, {"maxLength", 1024}}, "next_cursor or prev_cursor of a page."});
    return filters;
}

std::size_t Call::limit() const {
    std::size_t limit = 50;
    const std::string_view text = request.query_value("limit");
    std::from_chars(text.data(), text.data() + text.size(), limit);
    return limit;
}

std::string Call::message() const {
    constexpr std::size_t length_max = 1000;
    const std::string_view header = request.header("X-Change-Message");
    if (!header.empty() || !body.is_object()) return std::string(header.substr(0, length_max));
    return body.value("message", "").substr(0, length_max);
}

HttpResponse with_etag(const Call& call, HttpResponse response, const std::string& etag) {
    response.headers.emplace_back("ETag", etag);
    response.cache_control = "private, no-cache";
    if (call.operation.is_safe() && matches_etag(call.request.header("If-None-Match"), etag)) {
        response.status = 304;
        response.body.clear();
        response.content_type.clear();
    }
    return response;
}

HttpResponse with_live_etag(const Call& call, HttpResponse response, const std::string& etag) {
    const std::string digest = secrets::digest(response.content()).substr(0, 16);
    return with_etag(call, std::move(response), live_beginning(etag) + digest + "\"");
}

void require_match(const Call& call, const std::string& etag, const json& current, const json& diff) {
    const std::string_view sent = call.request.header("If-Match");
    if (sent.empty()) {
        throw ProblemError(428, "precondition_required",
                           "Send the ETag of the version that you changed as If-Match, so that nobody's work is lost.");
    }
    if (matches_etag(sent, etag) || sent.find(live_beginning(etag)) != std::string_view::npos) return;
    throw ProblemError(412, "stale", "It was changed meanwhile; look at the difference and try again.")
        .with("current", current)
        .with("diff", diff.is_null() ? json::array() : diff)
        .with_header("ETag", etag);
}

json merge_patched(json target, const json& patch) {
    target.merge_patch(patch);
    return target;
}

HttpResponse created(const json& content, const std::string& location) {
    HttpResponse response = make_json(content, 201);
    response.headers.emplace_back("Location", std::string(api_base) + location);
    return response;
}

HttpResponse no_content() {
    HttpResponse response;
    response.status = 204;
    return response;
}

}  // namespace quicksilver::api
