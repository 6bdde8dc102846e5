#include "quicksilver/http/limits.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

HttpLimits small_limits() {
    HttpLimits limits;
    limits.header_bytes = 1024;
    limits.body_bytes = 2000;
    return limits;
}

}  // namespace

TEST_CASE("A request that does not end in time is answered with 408", "[http][limits]") {
    HttpLimits limits;
    limits.request = 100ms;
    RunningServer server(plain_routes(), limits);
    for (const char* begun :
         {"GET /hello HT", "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"}) {
        HttpClient client(server.port());
        CHECK(client.exchange(begun).status == 408);
        client.finish_sending();
        CHECK(client.is_closed_by_server());
    }
}

TEST_CASE("A request that drips is not kept alive by its drops", "[http][limits]") {
    HttpLimits limits;
    limits.request = 150ms;
    limits.linger = 100ms;
    RunningServer server(plain_routes(), limits);
    HttpClient client(server.port());
    client.send("GET /hello HTTP/1.1\r\n");
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS([&] {
        // Ends because the server closes the connection; without a deadline for the whole it would not.
        while (std::chrono::steady_clock::now() - begin < 20s) client.send("X: y\r\n");
    }());
    CHECK(std::chrono::steady_clock::now() - begin < 15s);
}

TEST_CASE("A silent connection is closed", "[http][limits]") {
    HttpLimits limits;
    limits.request = 50ms;
    limits.idle = 50ms;
    RunningServer server(plain_routes(), limits);
    HttpClient never_asked(server.port());
    CHECK(never_asked.is_closed_by_server());
    HttpClient asked_once(server.port());
    CHECK(asked_once.get("/hello").status == 200);
    CHECK(asked_once.is_closed_by_server());
}

TEST_CASE("An answer that is not read does not hold the connection for ever", "[http][limits]") {
    Routes routes = plain_routes();
    routes.add("GET", "/large", answer_with(std::string(32 * 1024 * 1024, 'x')));
    HttpLimits limits;
    limits.write = 100ms;
    RunningServer server(std::move(routes), limits);
    HttpClient client(server.port());
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    HttpClient other(server.port());
    CHECK(other.get("/hello").status == 200);
    server.stop(20s);  // returns long before, because the deadline ends the answer
    CHECK_THROWS(client.read_answer());
}

TEST_CASE("A header beyond the limit is refused: 414 for the target, 431 for the rest", "[http][limits]") {
    RunningServer server(plain_routes(), small_limits());
    const std::string much(3000, 'x');
    CHECK(HttpClient(server.port()).get("/" + much).status == 414);
    CHECK(HttpClient(server.port()).get("/hello", "X-Much: " + much + "\r\n").status == 431);
    CHECK(HttpClient(server.port()).get("/hello", "X-Much: " + std::string(500, 'x') + "\r\n").status == 200);
}

TEST_CASE("A body beyond the limit is refused before it is read", "[http][limits]") {
    RunningServer server(plain_routes(), small_limits());
    const std::string start = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
    HttpClient announced(server.port());
    const HttpAnswer refused = announced.exchange(start + "Content-Length: 2001\r\nExpect: 100-continue\r\n\r\n");
    CHECK(refused.status == 413);
    CHECK(nlohmann::json::parse(refused.body).at("code") == "body_too_large");

    HttpClient chunked(server.port());
    CHECK(chunked.exchange(start + "Transfer-Encoding: chunked\r\n\r\n1000\r\n" + std::string(4096, 'x')).status ==
          413);

    const std::string fitting(2000, 'x');
    CHECK(HttpClient(server.port()).exchange(start + "Content-Length: 2000\r\n\r\n" + fitting).body == fitting);
}

TEST_CASE("A client that is still sending gets to read why it was refused", "[http][limits]") {
    RunningServer server(plain_routes(), small_limits());
    HttpClient client(server.port());
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n" + std::string(900000, 'x'));
    CHECK(client.read_answer().status == 413);
    client.finish_sending();
    CHECK(client.is_closed_by_server());
}

TEST_CASE("Connections beyond the limit are told to come later", "[http][limits]") {
    HttpLimits limits;
    limits.connections = 3;
    RunningServer server(plain_routes(), limits);
    std::vector<std::unique_ptr<HttpClient>> held;
    for (int i = 0; i < 3; ++i) {
        held.push_back(std::make_unique<HttpClient>(server.port()));
        CHECK(held.back()->get("/hello").status == 200);
    }
    HttpClient refused(server.port());
    const HttpAnswer answer = refused.get("/hello");
    CHECK(answer.status == 503);
    CHECK(answer.header("Retry-After") == "5");
    refused.finish_sending();
    CHECK(refused.is_closed_by_server());
    CHECK(held.front()->get("/hello").status == 200);
}

TEST_CASE("One address cannot take all connections", "[http][limits]") {
    HttpLimits limits;
    limits.connections_per_address = 2;
    limits.refusals = 1;
    RunningServer server(plain_routes(), limits);
    HttpClient first(server.port());
    HttpClient second(server.port());
    CHECK(first.get("/hello").status == 200);
    CHECK(second.get("/hello").status == 200);
    HttpClient third(server.port());
    CHECK(third.get("/hello").status == 503);
    HttpClient dropped(server.port());
    CHECK(dropped.is_closed_by_server());
    CHECK(HttpClient(server.port(), "127.0.0.2").get("/hello").status == 200);
}

TEST_CASE("Slow clients do not keep the others waiting", "[http][limits]") {
    HttpLimits limits;
    limits.request = 5s;
    RunningServer server(plain_routes(), limits);
    std::vector<std::unique_ptr<HttpClient>> slow;
    for (int i = 0; i < 100; ++i) {
        slow.push_back(std::make_unique<HttpClient>(server.port()));
        slow.back()->send(i % 2 == 0 ? "GET /hello HTTP/1.1\r\nHost: loc"
                                     : "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc");
    }
    HttpClient other(server.port());
    for (int i = 0; i < 50; ++i) CHECK(other.get("/hello").body == "hello");
    slow[0]->send("alhost\r\n\r\n");
    CHECK(slow[0]->read_answer().body == "hello");
}
