#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <regex>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

const std::pair<std::string, std::string> json_type{"Content-Type", "application/json"};

}  // namespace

TEST_CASE("Bodies that are too large, too deep or no text are refused", "[http][api][hostile]") {
    ApiFixture api;
    const auto admin = api.full_token(Role::admin, false);
    const auto post = [&](const std::string& body) {
        return api.call_raw("POST", "/config/import", body, {admin, json_type}).status;
    };
    CHECK(post(std::string(10'000, '[') + std::string(10'000, ']')) == 400);
    CHECK(post(std::string(1'000'000, '[')) == 400);
    CHECK(post("{\"a\":" + std::string(500'000, '{')) == 400);
    CHECK(post("\"\xff\xfe\"") == 400);
    CHECK(post("{\"a\": \"\xc3\x28\"}") == 400);
    CHECK(post(std::string("{\"a\": 1}\0x", 10)) == 400);
    // 10 MB, nested 10,000 deep, as one body and in chunks.
    std::string deep = std::string(10'000, '[') + std::string(10'000'000, '1') + std::string(10'000, ']');
    HttpClient whole(api.port());
    whole.send(
        fmt::format("POST /api/v1/config/import HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n"
                    "Content-Type: application/json\r\n{}: {}\r\n\r\n{}",
                    deep.size(), admin.first, admin.second, deep.substr(0, 100'000)));
    CHECK(whole.read_answer().status == 413);
    HttpClient chunked(api.port());
    chunked.send(
        fmt::format("POST /api/v1/config/import HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                    "Content-Type: application/json\r\n{}: {}\r\n\r\n{:x}\r\n",
                    admin.first, admin.second, deep.size()));
    CHECK(chunked.read_answer().status == 413);
    CHECK(post("") == 400);
    CHECK(post("{\"a\": 1e999999}") == 400);
    CHECK(post("{\"rules\": {\"a\": " + std::string(200'000, '1') + "}}") < 500);
    CHECK(api.call("GET", "/system", nullptr, {admin}).status == 200);
}

TEST_CASE("A body beyond the limit ends the connection before it is read", "[http][api][hostile]") {
    ApiFixture api;
    HttpClient client(api.port());
    client.send(
        "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 10485760\r\n\r\n{");
    CHECK(client.read_answer().status == 413);
}

TEST_CASE("No id leads out of what it names, wherever an operation takes one", "[http][api][hostile]") {
    ApiFixture api;
    write_file(api.folder / "secret.json", R"({"treasure": true})");
    const std::string outside = (api.folder / "secret").string();
    const auto admin = api.full_token(Role::admin, true);
    std::vector<std::string> ids = {"..%2F..%2F..%2F..%2Fetc%2Fpasswd",
                                    "%2e%2e",
                                    "..",
                                    ".",
                                    "%2Fetc%2Fpasswd",
                                    "..%5C..%5Cx",
                                    "C:%5Cx",
                                    "%F0%9F%92%A9",
                                    "%C3%28",
                                    "%FF",
                                    "a'%20OR%20'1'='1",
                                    "%25n%25s",
                                    "%00",
                                    "a%0d%0aSet-Cookie:%20x=1",
                                    "%2a",
                                    "%20",
                                    "-",
                                    "%7b%7d",
                                    std::string(4000, 'a')};
    std::string escaped;
    for (const char c : outside) escaped += c == '/' ? "%2F" : std::string(1, c);
    ids.push_back(escaped);
    int tried = 0;
    const auto document = api.call("GET", "/openapi.json").body;
    for (const auto& [path, methods] : document.at("paths").items()) {
        if (path.find('{') == std::string::npos) continue;
        for (const auto& [method, operation] : methods.items()) {
            for (const std::string& id : ids) {
                const std::string target =
                    std::regex_replace(path.substr(std::string("/api/v1").size()), std::regex("\\{[^}]*\\}"), id);
                std::string upper = method;
                for (char& c : upper) c = static_cast<char>(c - 32);
                const auto answer = api.call(upper, target, nullptr, {admin, {"If-Match", "*"}});
                INFO(method << " " << path << " with " << id.substr(0, 60) << ": " << answer.text.substr(0, 300));
                const std::string id_of_operation = operation.at("operationId");
                // The pipeline knows which targets there are, and that of the fixture takes every name.
                const bool of_target = path.find("/targets/{name}/actions/") != std::string::npos;
                const bool nothing_there = (id_of_operation == "getThumbnail" || of_target) && answer.status == 204;
                CHECK((nothing_there || (answer.status >= 400 && answer.status < 500)));
                CHECK(answer.text.find("root:") == std::string::npos);
                CHECK(answer.text.find("treasure") == std::string::npos);
                CHECK_FALSE(answer.headers.contains("set-cookie"));
                api.advance(std::chrono::seconds(1));
                ++tried;
            }
        }
    }
    CHECK(tried > 600);
    CHECK(std::filesystem::exists(api.folder / "secret.json"));
}

TEST_CASE("Odd headers do not get anybody in", "[http][api][hostile]") {
    ApiFixture api;
    api.full_token(Role::admin, true);
    const std::vector<std::pair<std::string, std::string>> tries = {
        {"Authorization", "Bearer qs_pat_"},   {"Authorization", "Bearer ' OR 1=1 --"},
        {"Authorization", "Bearer qs_pat__"},  {"Authorization", "Bearer " + std::string(8000, 'x')},
        {"Cookie", "quicksilver=' OR 1=1 --"}, {"Cookie", "quicksilver=" + std::string(8000, 'x')},
        {"Cookie", "__Host-quicksilver=x"},    {"X-Remote-User", "admin"},
        {"X-Forwarded-User", "admin"},         {"X-Forwarded-For", "127.0.0.1"}};
    for (const auto& header : tries) {
        INFO(header.first << ": " << header.second.substr(0, 40));
        CHECK(api.call("GET", "/users", nullptr, {header}).status == 401);
    }
}

TEST_CASE("A client that never reads its stream holds nothing up", "[http][api][hostile]") {
    ApiFixture api;
    const auto viewer = api.full_token(Role::viewer, false);
    HttpClient stalled(api.port());
    stalled.send(
        fmt::format("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{}: {}\r\n\r\n", viewer.first, viewer.second));
    const std::string large(2000, 'x');
    for (int i = 0; i < 20; ++i) {
        api.with_events([&](EventHub& events) {
            for (int n = 0; n < 2000; ++n) events.publish("log", "log", {{"line", large}});
        });
    }
    CHECK(api.call("GET", "/system", nullptr, {viewer}).status == 200);
    std::size_t clients = 0;
    api.with_events([&](EventHub& events) { clients = events.clients(); });
    CHECK(clients == 1);
}
