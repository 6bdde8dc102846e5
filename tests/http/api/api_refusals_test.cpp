#include "http/api/api.hpp"
#include "http/api/operation_examples.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

const std::pair<std::string, std::string> json_type{"Content-Type", "application/json"};

/// Every refusal has the same shape.
void check_problem(const ApiAnswer& answer, unsigned status, const std::string& code) {
    INFO(answer.text.substr(0, 500));
    CHECK(answer.status == status);
    REQUIRE(answer.headers.contains("content-type"));
    CHECK(answer.headers.at("content-type") == "application/problem+json");
    REQUIRE(answer.body.is_object());
    CHECK(answer.body.at("status") == status);
    CHECK(answer.body.at("code") == code);
    CHECK(answer.body.at("type") == "/problems/" + code);
    CHECK_FALSE(answer.body.at("title").get<std::string>().empty());
    CHECK_FALSE(answer.body.at("detail").get<std::string>().empty());
    CHECK(answer.body.at("instance").get<std::string>().starts_with("/api/v1/"));
    CHECK(answer.body.at("request_id") == answer.headers.at("x-request-id"));
    const bool later = status == 423 || status == 429 || status == 503;
    CHECK(answer.headers.contains("retry-after") == later);
}

}  // namespace

TEST_CASE("Each kind of refusal says what is wrong in the same form", "[http][api][refusals]") {
    ExampleWorld api;
    const auto admin = api.full_token(Role::admin, false);
    const auto viewer = api.full_token(Role::viewer, false);

    check_problem(api.call_raw("POST", "/users", "{", {admin, json_type}), 400, "malformed_json");
    check_problem(api.call("GET", "/audit?cursor=x", nullptr, {admin}), 400, "bad_cursor");
    check_problem(api.call("GET", "/users"), 401, "unauthenticated");
    check_problem(api.call("GET", "/users", nullptr, {viewer}), 403, "forbidden");
    check_problem(api.call("GET", "/series/1.2.0001/archive", nullptr, {admin}), 403, "phi_permission_required");
    check_problem(api.call("GET", "/rules/nothing", nullptr, {admin}), 404, "not_found");
    check_problem(api.call("GET", "/nothing", nullptr, {admin}), 404, "not_found");
    check_problem(api.call("DELETE", "/system", nullptr, {admin}), 405, "method_not_allowed");
    check_problem(api.call("POST", "/rules", {{"name", "ct"}, {"rule", "True"}, {"target", "pacs"}}, {admin}), 409,
                  "name_taken");
    const std::string large(1024 * 1024 + 1, ' ');
    check_problem(api.call_raw("POST", "/config/import", large, {admin, json_type}), 413, "body_too_large");
    check_problem(api.call_raw("POST", "/rules", "<rule/>", {admin, {"Content-Type", "application/xml"}}), 415,
                  "unsupported_media_type");
    check_problem(api.call("POST", "/users", {{"usernam", "x"}}, {admin}), 422, "validation");
    check_problem(api.call("PATCH", "/rules/ct", {{"comment", "x"}}, {admin}), 428, "precondition_required");
    api.modules.used.insert("keeper");
    check_problem(api.call("PUT", "/modules/keeper/persistence", {{"content", "{}"}},
                           {api.with_patients, {"If-Match", "\"none\""}}),
                  423, "locked");
}

TEST_CASE("A stale change is refused with what the other one changed", "[http][api][refusals]") {
    ExampleWorld api;
    const auto admin = api.full_token(Role::admin, false);
    const std::string etag = api.call("GET", "/rules/ct", nullptr, {admin}).headers.at("etag");
    const auto change = [&](const char* comment) {
        return api.call("PATCH", "/rules/ct", {{"comment", comment}}, {admin, {"If-Match", etag}});
    };
    CHECK(change("first").status == 200);
    const auto stale = change("second");
    check_problem(stale, 412, "stale");
    CHECK(stale.body.at("current").at("comment") == "first");
    CHECK(stale.body.at("diff")[0].at("path") == "/rules/ct/comment");
    CHECK(stale.headers.at("etag") != etag);
    CHECK(api.call("GET", "/rules/ct", nullptr, {admin}).body.at("comment") == "first");
}

TEST_CASE("Two who change at the same time cannot both win", "[http][api][refusals]") {
    ExampleWorld api;
    const auto admin = api.full_token(Role::admin, false);
    for (int round = 0; round < 5; ++round) {
        const std::string etag = api.call("GET", "/rules/ct", nullptr, {admin}).headers.at("etag");
        std::vector<std::unique_ptr<HttpClient>> clients;
        for (int i = 0; i < 4; ++i) {
            const std::string body = json{{"comment", fmt::format("{} {}", round, i)}}.dump();
            clients.push_back(std::make_unique<HttpClient>(api.port()));
            clients.back()->send(
                fmt::format("PATCH /api/v1/rules/ct HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n"
                            "If-Match: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
                            "\r\n{}",
                            admin.first, admin.second, etag, body.size(), body));
        }
        int won = 0;
        for (auto& client : clients) {
            const unsigned status = client->read_answer().status;
            CHECK((status == 200 || status == 412));
            won += status == 200 ? 1 : 0;
        }
        CHECK(won == 1);
        api.advance(std::chrono::seconds(1));
    }
}

TEST_CASE("Who asks too much is told when to come again", "[http][api][refusals]") {
    ExampleWorld api;
    const auto viewer = api.full_token(Role::viewer, false);
    ApiAnswer last;
    for (int i = 0; i < 101; ++i) last = api.call("GET", "/system", nullptr, {viewer});
    check_problem(last, 429, "too_many_requests");
    // The others have their own share.
    CHECK(api.call("GET", "/system", nullptr, {api.full_token(Role::operate, false)}).status == 200);
    for (int i = 0; i < 6; ++i) {
        last = api.call("POST", "/session", {{"username", "olga"}, {"password", "wrong"}});
    }
    check_problem(last, 429, "throttled");
}

TEST_CASE("Too many streams are refused for the moment", "[http][api][refusals]") {
    ExampleWorld api;
    const auto viewer = api.full_token(Role::viewer, false);
    std::vector<std::unique_ptr<HttpClient>> streams;
    for (int i = 0; i < 8; ++i) {
        streams.push_back(std::make_unique<HttpClient>(api.port()));
        streams.back()->send(fmt::format("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n",
                                         viewer.first, viewer.second));
        streams.back()->read_until("event: hello");
    }
    check_problem(api.call("GET", "/events", nullptr, {viewer}), 503, "too_many_streams");
}
