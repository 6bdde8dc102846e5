#include "http/connection_input.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <atomic>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t upload_max = 50'000'000;

/// What handlers saw. They run on the server's io thread.
struct Seen {
    std::atomic<std::size_t> begun{0}, largest_piece{0}, broken{0};
};

/// POST /upload answers how long its body was; /refuse answers without having looked at it.
Routes upload_routes(Seen& seen) {
    Routes routes = plain_routes();
    routes.add_piecewise("POST", "/upload", upload_max,
                         [&seen](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
                             ++seen.begun;
                             std::size_t total = 0;
                             HttpResponse response;
                             try {
                                 for (bool more = true; more;) {
                                     const auto piece = co_await request.input->next();
                                     more = piece.has_value();
                                     total += more ? piece->size() : 0;
                                     if (more)
                                         seen.largest_piece = std::max<std::size_t>(seen.largest_piece, piece->size());
                                 }
                             } catch (const BrokenBody&) {
                                 ++seen.broken;
                                 throw;
                             }
                             response.content_type = "text/plain";
                             response.body = fmt::format("{} {}", request.input->announced_bytes().value_or(0), total);
                             co_return response;
                         });
    routes.add_piecewise("POST", "/refuse", upload_max, answer_with("no"));
    return routes;
}

std::string head(const std::string& path, const std::string& more) {
    return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n";
}

}  // namespace

TEST_CASE("A body far larger than any other comes to its handler in small pieces", "[http][upload]") {
    Seen seen;
    RunningServer server(upload_routes(seen));
    HttpClient client(server.port());
    const std::string body(20'000'000, 'x');
    CHECK(client.exchange(head("/upload", "Content-Length: 20000000\r\n") + body).body == "20000000 20000000");
    CHECK(seen.largest_piece < 200'000);
    // The connection goes on after it.
    CHECK(client.get("/hello").body == "hello");
    CHECK(
        client.exchange(head("/upload", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").body ==
        "0 5");
    CHECK(client.exchange(head("/upload", "Content-Length: 0\r\n")).body == "0 0");
    CHECK(
        client.exchange(head("/upload", "Content-Length: 2\r\n") + "ab" + head("/echo", "Content-Length: 1\r\n") + "c")
            .body == "2 2");
    CHECK(client.read_answer().body == "c");
}

TEST_CASE("A handler is called before the body comes, and the client told to go on when it is wanted",
          "[http][upload]") {
    Seen seen;
    RunningServer server(upload_routes(seen));
    HttpClient client(server.port());
    client.send(head("/upload", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
    CHECK(client.read_answer(true).status == 100);
    CHECK(seen.begun == 1);
    CHECK(client.exchange("ok").body == "2 2");
    // Who does not want it answers at once, and the connection ends, because what comes on it is still that body.
    HttpClient unwanted(server.port());
    const HttpAnswer refused = unwanted.exchange(head("/refuse", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
    CHECK(refused.body == "no");
    CHECK(refused.header("Connection") == "close");
    unwanted.finish_sending();
    CHECK(unwanted.is_closed_by_server());
}

TEST_CASE("A body that is too large, torn or malformed is refused whatever its handler does", "[http][upload]") {
    Seen seen;
    RunningServer server(upload_routes(seen));
    HttpClient announced(server.port());
    CHECK(announced.exchange(head("/upload", "Content-Length: 50000001\r\n")).status == 413);
    CHECK(seen.begun == 0);
    HttpClient chunked(server.port());
    const HttpAnswer refused = chunked.exchange(head("/upload", "Transfer-Encoding: chunked\r\n") + "3000000\r\nabc");
    CHECK(refused.status == 413);
    CHECK(nlohmann::json::parse(refused.body).at("code") == "body_too_large");
    HttpClient malformed(server.port());
    CHECK(malformed.exchange(head("/upload", "Transfer-Encoding: chunked\r\n") + "no number\r\n").status == 400);
    CHECK(seen.broken == 2);
    {
        HttpClient gone(server.port());
        gone.send(head("/upload", "Content-Length: 1000\r\n") + "abc");
        gone.finish_sending();
        CHECK(gone.is_closed_by_server());
    }
    CHECK(seen.broken == 3);
    CHECK(HttpClient(server.port()).get("/hello").status == 200);
}

TEST_CASE("A body that drips does not hold its connection", "[http][upload]") {
    Seen seen;
    HttpLimits limits;
    limits.request = 150ms;
    limits.linger = 100ms;
    RunningServer server(upload_routes(seen), limits);
    HttpClient client(server.port());
    client.send(head("/upload", "Content-Length: 1000000\r\n") + "abc");
    CHECK(client.read_answer().status == 408);
    CHECK(seen.broken == 1);
    HttpClient dripping(server.port());
    dripping.send(head("/upload", "Content-Length: 1000000\r\n"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK_THROWS([&] {
        while (std::chrono::steady_clock::now() - begin < 20s) dripping.send("x");
    }());
    CHECK(std::chrono::steady_clock::now() - begin < 15s);
}

TEST_CASE("A body that takes longer than a request may, but goes on, is read to its end", "[http][upload]") {
    Seen seen;
    HttpLimits limits;
    limits.request = 400ms;
    RunningServer server(upload_routes(seen), limits);
    HttpClient client(server.port());
    const std::string piece(1'000'000, 'x');
    client.send(head("/upload", "Content-Length: 20000000\r\n"));
    const auto begin = std::chrono::steady_clock::now();
    for (int sent = 0; sent < 20; ++sent) {
        client.send(piece);
        // The client is slow, and others are served meanwhile.
        while (std::chrono::steady_clock::now() - begin < 50ms * sent) HttpClient(server.port()).get("/hello");
    }
    CHECK(client.read_answer().body == "20000000 20000000");
    CHECK(std::chrono::steady_clock::now() - begin > limits.request);
}
