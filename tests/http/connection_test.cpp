#include "quicksilver/http/server.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A connection is kept for the next request", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    for (int i = 0; i < 3; ++i) {
        const HttpAnswer answer = client.get("/hello");
        CHECK(answer.status == 200);
        CHECK(answer.body == "hello");
        CHECK(answer.header("Connection") == "keep-alive");
    }
}

TEST_CASE("A client that asks to close gets its answer and the end of the connection", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    CHECK(client.get("/hello", "Connection: close\r\n").header("Connection") == "close");
    CHECK(client.is_closed_by_server());
}

TEST_CASE("HTTP/1.0 is answered and closed", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    CHECK(client.exchange("GET /hello HTTP/1.0\r\n\r\n").body == "hello");
    CHECK(client.is_closed_by_server());
}

TEST_CASE("Pipelined requests are answered in their order", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    std::string requests;
    for (int i = 0; i < 50; ++i) {
        const std::string body = std::to_string(i);
        requests += "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\n\r\n" + body;
    }
    client.send(requests);
    for (int i = 0; i < 50; ++i) CHECK(client.read_answer().body == std::to_string(i));
}

TEST_CASE("A request that comes byte by byte is one request", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    for (const char c : std::string("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok")) {
        client.send(std::string(1, c));
    }
    CHECK(client.read_answer().body == "ok");
}

TEST_CASE("A chunked body is read", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    const HttpAnswer answer = client.exchange(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    CHECK(answer.body == "abcde");
}

TEST_CASE("A client that waits before its body is told to go on", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_answer(true).status == 100);
    CHECK(client.exchange("ok").body == "ok");
}

TEST_CASE("HEAD has the headers of GET and no body", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    client.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const HttpAnswer head = client.read_answer(true);
    CHECK(head.status == 200);
    CHECK(head.header("Content-Length") == "5");
    CHECK(client.get("/hello").body == "hello");  // nothing of a body was in between
}

TEST_CASE("OPTIONS and a method that a path does not have tell what is allowed", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    const HttpAnswer options = client.exchange("OPTIONS /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(options.status == 204);
    CHECK(options.header("Allow") == "GET, HEAD, OPTIONS");
    CHECK(client.exchange("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 204);
    const HttpAnswer deleted = client.exchange("DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(deleted.status == 405);
    CHECK(deleted.header("Allow") == "GET, HEAD, OPTIONS");
    CHECK(nlohmann::json::parse(deleted.body).at("code") == "method_not_allowed");
}

TEST_CASE("A path that leads nowhere is a problem in the form of RFC 9457", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    const HttpAnswer answer = client.get("/nowhere?x=1", "X-Request-Id: my-id.1\r\n");
    CHECK(answer.status == 404);
    CHECK(answer.header("Content-Type") == "application/problem+json");
    const auto problem = nlohmann::json::parse(answer.body);
    CHECK(problem.at("type") == "/problems/not_found");
    CHECK(problem.at("title") == "Not Found");
    CHECK(problem.at("status") == 404);
    CHECK(problem.at("instance") == "/nowhere");
    CHECK(problem.at("code") == "not_found");
    CHECK(problem.at("request_id") == "my-id.1");
    CHECK_FALSE(problem.at("detail").get<std::string>().empty());
}

TEST_CASE("A request id is echoed when it is a plain word, else made", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    CHECK(client.get("/hello", "X-Request-Id: abc-123\r\n").header("X-Request-Id") == "abc-123");
    const std::string first = client.get("/hello").header("X-Request-Id");
    const std::string second = client.get("/hello", "X-Request-Id: <script>\r\n").header("X-Request-Id");
    CHECK_FALSE(first.empty());
    CHECK(second.find('<') == std::string::npos);
    CHECK(first != second);
}

TEST_CASE("Every answer carries the security headers and a date", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    for (const char* path : {"/hello", "/nowhere"}) {
        const HttpAnswer answer = client.get(path);
        CHECK(answer.header("Content-Security-Policy").find("default-src 'none'") == 0);
        CHECK(answer.header("Content-Security-Policy").find("frame-ancestors 'none'") != std::string::npos);
        CHECK(answer.header("X-Content-Type-Options") == "nosniff");
        CHECK(answer.header("Referrer-Policy") == "no-referrer");
        CHECK(answer.header("Cache-Control") == "no-store");
        CHECK(answer.header("Date").size() == 29);
    }
}

TEST_CASE("A handler that throws costs one answer and not the connection", "[http]") {
    Routes routes = plain_routes();
    routes.add("GET", "/broken", [](const HttpRequest&) -> asio::awaitable<HttpResponse> {
        throw std::runtime_error("the secret reason");
        co_return HttpResponse();
    });
    RunningServer server(std::move(routes));
    HttpClient client(server.port());
    const HttpAnswer answer = client.get("/broken");
    CHECK(answer.status == 500);
    CHECK(answer.body.find("secret") == std::string::npos);
    CHECK(client.get("/hello").status == 200);
}

TEST_CASE("A handler's header that would split the answer is left out", "[http]") {
    Routes routes;
    routes.add("GET", "/split", [](const HttpRequest&) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.headers.emplace_back("Location", "/a\r\nSet-Cookie: stolen=1");
        co_return response;
    });
    RunningServer server(std::move(routes));
    const HttpAnswer answer = HttpClient(server.port()).get("/split");
    CHECK(answer.status == 200);
    CHECK(answer.header("Set-Cookie").empty());
}

TEST_CASE("Parameters and query reach the handler decoded", "[http]") {
    Routes routes;
    routes.add("GET", "/series/{id}/files", [](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.body = request.parameters.at("id") + "|" + std::string(request.query_value("q")) + "|" +
                        std::string(request.header("x-Test"));
        co_return response;
    });
    RunningServer server(std::move(routes));
    HttpClient client(server.port());
    CHECK(client.get("/series/a%2Fb/files?x=1&q=M%C3%BCller+1", "X-Test: yes\r\n").body == "a/b|Müller 1|yes");
    CHECK(client.exchange("GET http://localhost/series/1/files HTTP/1.1\r\nHost: localhost\r\n\r\n").body == "1||");
}

TEST_CASE("On loopback only this machine's own names are answered", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    const auto ask = [&](const std::string& host) {
        return client.exchange("GET /hello HTTP/1.1\r\nHost: " + host + "\r\n\r\n").status;
    };
    for (const char* host : {"localhost", "LOCALHOST:8000", "127.0.0.1:9", "[::1]:8000", "[::1]", "127.0.0.2"}) {
        INFO(host);
        CHECK(ask(host) == 200);
    }
    for (const char* host : {"evil.example", "localhost.evil.example:8000", "127.0.0.1.nip.example", "10.0.0.1",
                             "[::2]", "localhost@evil.example", "[::1"}) {
        INFO(host);
        CHECK(ask(host) == 421);
    }
    CHECK(client.exchange("GET http://evil.example/hello HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 421);
}

TEST_CASE("On every network the name does not matter", "[http]") {
    HttpConfig config;
    config.address = "0.0.0.0";
    RunningServer server(plain_routes(), {}, config);
    CHECK(HttpClient(server.port()).exchange("GET /hello HTTP/1.1\r\nHost: pacs.example\r\n\r\n").status == 200);
}
