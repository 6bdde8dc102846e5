#include "http/forwarded.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

HttpRequest received(const std::string& peer, Headers headers) {
    HttpRequest request;
    request.address = peer;
    request.headers = std::move(headers);
    request.headers.emplace_back("Host", "inside:8000");
    TrustedProxies({"10.0.0.0/8", "::1"}).apply(request);
    return request;
}

/// Answers with what the server knows of the client.
Routes telling_routes() {
    Routes routes;
    routes.add("GET", "/who", [](const HttpRequest& request) -> boost::asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.body = request.address + " " + (request.secure ? "https" : "http") + " " +
                        std::string(request.host()) + " " + request.prefix + request.path;
        co_return response;
    });
    routes.add("POST", "/things", [](const HttpRequest&) -> boost::asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.status = 201;
        response.headers.emplace_back("Location", "/things/1");
        co_return response;
    });
    routes.add("GET", "/", answer_with("root"));
    return routes;
}

}  // namespace

TEST_CASE("The client is the last address of the chain that is no proxy of ours", "[http][proxy]") {
    struct Case {
        const char* what;
        const char* peer;
        Headers headers;
        const char* client;
    };
    const std::string name = "X-Forwarded-For";
    const Case cases[] = {
        {"no proxy", "192.0.2.9", {{name, "198.51.100.1"}}, "192.0.2.9"},
        {"one proxy", "10.0.0.1", {{name, "198.51.100.1"}}, "198.51.100.1"},
        {"no word from it", "10.0.0.1", {}, "10.0.0.1"},
        {"two proxies", "10.0.0.1", {{name, "198.51.100.1, 10.0.0.2"}}, "198.51.100.1"},
        {"a made-up begin", "10.0.0.1", {{name, "203.0.113.5, 198.51.100.1"}}, "198.51.100.1"},
        {"a made-up line", "10.0.0.1", {{name, "203.0.113.5"}, {name, "198.51.100.1"}}, "198.51.100.1"},
        {"a made-up proxy", "10.0.0.1", {{name, "10.0.0.7, 198.51.100.1"}}, "198.51.100.1"},
        {"all are proxies", "10.0.0.1", {{name, "10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
        {"a port", "10.0.0.1", {{name, "198.51.100.1:4711"}}, "198.51.100.1"},
        {"IPv6", "::1", {{name, "2001:db8::5"}}, "2001:db8::5"},
        {"IPv6 with port", "::1", {{name, "[2001:db8::5]:4711"}}, "2001:db8::5"},
        {"IPv4 as IPv6", "::ffff:10.0.0.1", {{name, "::ffff:198.51.100.1"}}, "198.51.100.1"},
        {"no address", "10.0.0.1", {{name, "unknown"}}, "10.0.0.1"},
        {"no address before a proxy", "10.0.0.1", {{name, "<script>, 10.0.0.2"}}, "10.0.0.2"},
        {"nothing between commas", "10.0.0.1", {{name, "198.51.100.1,,"}}, "10.0.0.1"},
        {"a bracket", "10.0.0.1", {{name, "["}}, "10.0.0.1"},
        {"in small letters", "10.0.0.1", {{"x-forwarded-for", "198.51.100.1"}}, "198.51.100.1"},
        {"another header", "10.0.0.1", {{"X-Real-IP", "198.51.100.1"}, {"Forwarded", "for=198.51.100.1"}}, "10.0.0.1"},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        CHECK(received(one.peer, one.headers).address == one.client);
    }
}

TEST_CASE("Scheme, name and prefix are the outermost proxy's word", "[http][proxy]") {
    const HttpRequest told = received("10.0.0.1", {{"X-Forwarded-Proto", "https"},
                                                   {"X-Forwarded-Host", "pacs.example:8443"},
                                                   {"X-Forwarded-Prefix", "/quicksilver/"}});
    CHECK(told.secure);
    CHECK(told.host() == "pacs.example:8443");
    CHECK(told.prefix == "/quicksilver");

    const HttpRequest foreign = received(
        "192.0.2.9",
        {{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "pacs.example"}, {"X-Forwarded-Prefix", "/quicksilver"}});
    CHECK_FALSE(foreign.secure);
    CHECK(foreign.host() == "inside:8000");
    CHECK(foreign.prefix == "");

    // The client sent https itself, and the proxy added what is true.
    CHECK_FALSE(
        received("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5"}, {"X-Forwarded-Proto", "https, http"}}).secure);
    const Headers two = {{"X-Forwarded-For", "203.0.113.5, 10.0.0.2"}, {"X-Forwarded-Proto", "https, http"}};
    CHECK(received("10.0.0.1", two).secure);
    // The inner proxy has replaced the word of the outer one.
    CHECK(received("10.0.0.1", {{"X-Forwarded-For", "203.0.113.5, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}}).secure);
}

TEST_CASE("What could lead elsewhere is not taken over", "[http][proxy]") {
    for (const char* prefix : {"//evil.example", "/a/../b", "evil", "/a\"><script>", "/a b", "https://evil.example/"}) {
        INFO(prefix);
        CHECK(received("10.0.0.1", {{"X-Forwarded-Prefix", prefix}}).prefix == "");
    }
    for (const char* host : {"", "a/b", "a@b", "a b", "<script>"}) {
        INFO(host);
        CHECK(received("10.0.0.1", {{"X-Forwarded-Host", host}}).host() == "inside:8000");
    }
    CHECK_FALSE(received("10.0.0.1", {{"X-Forwarded-Proto", "gopher"}}).secure);
}

TEST_CASE("Everything is below the prefix, for those who keep it and those who take it away", "[http][proxy]") {
    HttpConfig config;
    config.prefix = "/quicksilver/";
    RunningServer server(telling_routes(), {}, config);
    HttpClient client(server.port());
    CHECK(client.get("/quicksilver/who").body == "127.0.0.1 http localhost /quicksilver/who");
    CHECK(client.get("/who").body == "127.0.0.1 http localhost /quicksilver/who");
    CHECK(client.get("/quicksilver").body == "root");
    CHECK(client.get("/quicksilver/").body == "root");
    CHECK(client.get("/quicksilverx/who").status == 404);
    const HttpAnswer missing = client.get("/quicksilver/nowhere");
    CHECK(nlohmann::json::parse(missing.body).at("instance") == "/quicksilver/nowhere");
    const HttpAnswer made =
        client.exchange("POST /quicksilver/things HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    CHECK(made.header("Location") == "/quicksilver/things/1");
}

TEST_CASE("A proxy that is trusted speaks for its clients, and no one else does", "[http][proxy]") {
    const std::string word =
        "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: pacs.example\r\n"
        "X-Forwarded-Prefix: /qs\r\n";
    HttpConfig config;
    config.trusted_proxies = {"127.0.0.1"};
    RunningServer server(telling_routes(), {}, config);
    CHECK(HttpClient(server.port()).get("/who", word).body == "198.51.100.7 https pacs.example /qs/who");
    CHECK(HttpClient(server.port(), "127.0.0.2").get("/who", word).body == "127.0.0.2 http localhost /who");
    RunningServer plain(telling_routes());
    CHECK(HttpClient(plain.port()).get("/who", word).body == "127.0.0.1 http localhost /who");
}

TEST_CASE("The name that a proxy forwards does not open the door to DNS rebinding", "[http][proxy]") {
    HttpConfig config;
    config.trusted_proxies = {"127.0.0.1"};
    RunningServer server(telling_routes(), {}, config);
    CHECK(HttpClient(server.port())
              .exchange("GET /who HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\n\r\n")
              .status == 421);
}

TEST_CASE("A trusted proxy may have all connections, its neighbour not", "[http][proxy][limits]") {
    HttpLimits limits;
    limits.connections_per_address = 2;
    HttpConfig config;
    config.trusted_proxies = {"127.0.0.1"};
    RunningServer server(telling_routes(), limits, config);
    std::vector<std::unique_ptr<HttpClient>> open;
    for (int i = 0; i < 6; ++i) {
        open.push_back(std::make_unique<HttpClient>(server.port(), i < 3 ? "127.0.0.1" : "127.0.0.2"));
        CHECK(open.back()->get("/who").status == (i < 5 ? 200 : 503));
    }
}
