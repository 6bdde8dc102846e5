#include "quicksilver/http/server.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

namespace {

/// A handler that waits until the test lets it go on.
struct Gate {
    std::promise<void> entered;
    asio::steady_timer* timer = nullptr;  ///< in the waiting handler

    HttpHandler handler() {
        return [this](const HttpRequest&) -> asio::awaitable<HttpResponse> {
            asio::steady_timer closed(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
            timer = &closed;
            entered.set_value();
            boost::system::error_code woken;
            co_await closed.async_wait(asio::redirect_error(asio::use_awaitable, woken));
            HttpResponse response;
            response.body = "done";
            co_return response;
        };
    }
};

Routes gated_routes(Gate& gate) {
    Routes routes = plain_routes();
    routes.add("GET", "/gate", gate.handler());
    return routes;
}

}  // namespace

TEST_CASE("Many connections are served at the same time", "[http]") {
    RunningServer server(plain_routes());
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<HttpClient>(server.port()));
    for (const auto& client : clients) client->send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    int answered = 0;
    for (const auto& client : clients) answered += client->read_answer().body == "hello" ? 1 : 0;
    CHECK(answered == 200);
}

TEST_CASE("A port in use is an error that names it", "[http]") {
    RunningServer first(plain_routes());
    HttpConfig config;
    config.port = first.port();
    asio::io_context context;
    HttpServer second(context.get_executor(), config, plain_routes(), Log(make_silent_log(), "http"));
    const auto listening = second.listen();
    REQUIRE_FALSE(listening);
    CHECK(listening.error().code == Errc::busy);
    CHECK(listening.error().message.find("127.0.0.1:" + std::to_string(first.port())) != std::string::npos);
}

TEST_CASE("An address that is none is an error that says what to write", "[http]") {
    HttpConfig config;
    config.address = "everywhere";
    asio::io_context context;
    HttpServer server(context.get_executor(), config, plain_routes(), Log(make_silent_log(), "http"));
    const auto listening = server.listen();
    REQUIRE_FALSE(listening);
    CHECK(listening.error().message.find("'everywhere'") != std::string::npos);
}

TEST_CASE("Stopping closes idle connections and takes no new ones", "[http][stop]") {
    RunningServer server(plain_routes());
    HttpClient idle(server.port());
    CHECK(idle.get("/hello").status == 200);
    HttpClient silent(server.port());
    server.stop(20s);
    CHECK(idle.is_closed_by_server());
    CHECK(silent.is_closed_by_server());
    CHECK_THROWS(HttpClient(server.port()));
}

TEST_CASE("Stopping lets a running request be answered, then closes its connection", "[http][stop]") {
    Gate gate;
    RunningServer server(gated_routes(gate));
    HttpClient client(server.port());
    client.send("GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gate.entered.get_future().get();
    auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
    // The listener is closed first: when nobody can connect, stopping has begun.
    while (true) {
        try {
            HttpClient late(server.port());
        } catch (const boost::system::system_error&) {
            break;
        }
    }
    server.on_io([&] { gate.timer->cancel(); });
    const HttpAnswer answer = client.read_answer();
    CHECK(answer.body == "done");
    CHECK(answer.header("Connection") == "close");
    CHECK(client.is_closed_by_server());
    client.finish_sending();
    stopped.get();
}

TEST_CASE("A request that does not end within the grace is cancelled", "[http][stop]") {
    Gate gate;
    RunningServer server(gated_routes(gate));
    HttpClient client(server.port());
    client.send("GET /gate HTTP/1.1\r\nHost: localhost\r\n\r\n");
    gate.entered.get_future().get();
    server.stop(50ms);
    CHECK_THROWS(client.read_answer());
}
