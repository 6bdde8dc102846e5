#include "problem_pages.hpp"

#include "quicksilver/http/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

namespace quicksilver::api {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

struct Help {
    std::string_view code, text;
};

constexpr Help helps[] = {
    {"accepted", "The source is accepted already."},
    {"accepts_everyone", "Every source is accepted while dicom.accept is empty; one in it would shut out all others."},
    {"bad_cursor", "The cursor is of another list or another server. Begin again without one."},
    {"body_too_large", "The body is larger than this operation takes."},
    {"busy", "A limit of things at the same time is reached. Try again after Retry-After seconds."},
    {"changed", "The password was changed by somebody else meanwhile. Sign in with that one."},
    {"count_moved", "The filter fits another number than expected_count. Look at the list again."},
    {"csrf", "X-CSRF-Token or Origin is missing or wrong. GET /session tells the token."},
    {"done_already", "The first request with this Idempotency-Key succeeded, but its answer was too long to be kept."},
    {"engine_away", "The container engine does not answer. The detail says why."},
    {"exists", "If-None-Match: * asks for a new object, and there is one of that name."},
    {"file_refused", "Somebody broke the configuration file by hand. Mend it, or restore a revision."},
    {"forbidden", "The role or the token's scopes do not suffice."},
    {"gone", "It was here and is not any more, such as files that were cleaned up."},
    {"header_too_large", "The header is larger than the server takes."},
    {"idempotency_key_reused", "The Idempotency-Key belongs to another request. Take a new one."},
    {"in_progress", "The first request with this Idempotency-Key still runs."},
    {"in_use", "Others refer to it; used_by names them. Change these first."},
    {"internal_error", "A fault of the server. The log has more under request_id."},
    {"last_admin", "Somebody must remain who may administer."},
    {"locked", "A module runs that uses it. Try again when it has ended."},
    {"malformed_json", "The body is no JSON, or nested too deep."},
    {"malformed_request", "This is no HTTP request that can be read."},
    {"method_not_allowed", "The path is there, but not for this method. Allow names those that are."},
    {"misdirected_request", "The server answers to localhost alone. A reverse proxy must send that as Host."},
    {"name_taken", "There is one of that name already."},
    {"no_key", "bookkeeper_api_key is not set, so mercure's endpoints are closed."},
    {"no_session", "This needs somebody who signed in, not a token."},
    {"no_space", "The disk has less free space than the configured reserve."},
    {"no_second_factor", "The account has no second factor, or none that was confirmed."},
    {"not_found", "There is no such object or path."},
    {"not_routed", "The series was not routed by a rule yet."},
    {"password_change_required", "Somebody else has set the password. Set a new one first: PUT /me/password."},
    {"phi_permission_required", "This shows patient data, which needs a permission of its own."},
    {"precondition_required", "Send the ETag of the version that you changed as If-Match."},
    {"range", "The range lies beyond the end."},
    {"request_timeout", "The request did not arrive in time."},
    {"second_factor_not_begun", "No second factor was begun, or too long ago. Begin with POST /me/totp."},
    {"second_factor_on", "The account has a second factor already. Remove it first: DELETE /me/totp."},
    {"second_factor_required", "The password is right; send the code of the second factor, too: totp."},
    {"second_factor_setup_required", "Administrators need a second factor here. Set one up first: POST /me/totp."},
    {"set_up", "There are users already; sign in."},
    {"stale", "Somebody else changed it meanwhile. current has what is there now, diff what changed."},
    {"state", "What it is or does now does not allow this. The detail says why."},
    {"target_too_long", "The address is too long."},
    {"throttled", "Too many failed tries. Try again after Retry-After seconds."},
    {"too_large", "It is larger than what can be sent or taken in this way."},
    {"too_many", "More objects than one request may name."},
    {"too_many_connections", "More connections than may be open at the same time."},
    {"too_many_requests", "More requests than one user may send. Try again after Retry-After seconds."},
    {"too_many_streams", "More event streams than may be open at the same time. Close one."},
    {"too_many_tokens", "More tokens than one user may have. Remove one."},
    {"two_credentials", "Send either the cookie or a token."},
    {"unauthenticated", "Sign in, or send a token that is valid."},
    {"unavailable", "A part of the server cannot be used now. The log has the reason under request_id."},
    {"unreadable", "A file cannot be read. The detail says why."},
    {"unsupported_media_type", "The body has another Content-Type than this operation takes."},
    {"validation", "Values or members are wrong; errors has a pointer to each."},
    {"version_not_supported", "Only HTTP/1.0 and HTTP/1.1 are spoken."},
    {"wrong_credentials", "Name or password is wrong."},
    {"wrong_second_factor", "The code is wrong or was used already. Wait for the next one."},
    {"wrong_setup_code", "The setup code is wrong or has expired. The console shows the one that counts."},
};

/// One page for each name, made before.
HttpHandler one_of(std::map<std::string, std::string> pages, std::string content_type) {
    auto kept = std::make_shared<const std::map<std::string, std::string>>(std::move(pages));
    return [kept, content_type](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
        const auto page = kept->find(request.parameters.at("name"));
        if (page == kept->end()) co_return make_problem(request, 404, "not_found", "There is no such page.");
        HttpResponse response;
        response.content_type = content_type;
        response.body = page->second;
        co_return response;
    };
}

/// References of the description into those of a schema that stands alone.
void refer_to_definitions(json& schema) {
    constexpr std::string_view from = "#/components/schemas/";
    for (auto& [key, value] : schema.items()) {
        if (key == "$ref" && value.is_string() && value.get_ref<const std::string&>().starts_with(from)) {
            value = "#/$defs/" + value.get_ref<const std::string&>().substr(from.size());
        } else if (value.is_structured()) {
            refer_to_definitions(value);
        }
    }
}

}  // namespace

std::string_view problem_help(std::string_view code) {
    const auto found = std::ranges::find(helps, code, &Help::code);
    return found == std::end(helps) ? std::string_view() : found->text;
}

void add_problem_pages(Routes& routes) {
    std::map<std::string, std::string> pages;
    for (const Help& help : helps) pages[std::string(help.code)] = fmt::format("{}\n\n{}\n", help.code, help.text);
    routes.add("GET", "/problems/{name}", one_of(std::move(pages), "text/plain; charset=utf-8"));
}

void add_schema_pages(Routes& routes, const json& schemas) {
    json definitions = schemas;
    refer_to_definitions(definitions);
    std::map<std::string, std::string> pages;
    for (const auto& [name, schema] : definitions.items()) {
        const json page = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                           {"$id", "/schemas/" + name},
                           {"$ref", "#/$defs/" + name},
                           {"$defs", definitions}};
        pages[name] = page.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    routes.add("GET", "/schemas/{name}", one_of(std::move(pages), "application/schema+json"));
}

}  // namespace quicksilver::api
