#include "quicksilver/pipeline/http_client.hpp"

#include "loopback_http.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <thread>

using namespace quicksilver;
using namespace std::chrono_literals;
using quicksilver::test::LoopbackHttp;

namespace {

using Request = LoopbackHttp::Request;
using Peer = LoopbackHttp::Peer;

void answer_ok(const Request&, Peer& peer) {
    peer.answer(200, "fine", "X-Kind: test\r\n");
}

HttpRequest get(const LoopbackHttp& server, std::string_view path = "/") {
    HttpRequest request;
    request.url = server.url(path);
    return request;
}

HttpBodySource source_of(std::string text, bool known_length) {
    HttpBodySource source;
    if (known_length) source.length = text.size();
    source.read = [text = std::move(text), at = std::size_t{0}](char* buffer,
                                                                std::size_t size) mutable -> Result<std::size_t> {
        const std::size_t count = std::min({size, text.size() - at, std::size_t{1000}});
        std::memcpy(buffer, text.data() + at, count);
        at += count;
        return count;
    };
    return source;
}

/// A self-signed certificate for localhost, made now so that it never expires in the repository.
LoopbackHttp::Tls make_certificate(const test::TemporaryFolder& folder, const std::string& name) {
    LoopbackHttp::Tls tls{folder / (name + ".crt"), folder / (name + ".key"), {}};
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout {} -out {} 2>/dev/null",
        tls.key.string(), tls.certificate.string());
    REQUIRE(std::system(command.c_str()) == 0);
    return tls;
}

}  // namespace

TEST_CASE("A response comes with status, headers and body, whatever the status", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request& request, Peer& peer) {
        if (request.target == "/missing") return peer.answer(404, "no such thing");
        answer_ok(request, peer);
    });
    HttpClient client;
    const auto found = client.send(get(server));
    REQUIRE(found);
    CHECK(found->is_success());
    CHECK(found->body == "fine");
    CHECK(found->header("x-kind") == "test");
    CHECK(found->header("x-other").empty());
    const auto missing = client.send(get(server, "/missing"));
    REQUIRE(missing);
    CHECK(missing->status == 404);
    CHECK(missing->body == "no such thing");
}

TEST_CASE("One client keeps its connection for the next request", "[pipeline][http_client]") {
    LoopbackHttp server(answer_ok);
    HttpClient client;
    for (int i = 0; i < 3; ++i) REQUIRE(client.send(get(server)));
    CHECK(server.requests().back().connection == 1);
}

TEST_CASE("Method, headers, body and identity arrive as given, and nothing else", "[pipeline][http_client]") {
    LoopbackHttp server(answer_ok);
    HttpClient client;
    HttpRequest request = get(server, "/path?a=b");
    request.method = "PUT";
    request.body = "some text";
    request.headers = {{"Accept", "application/json"}, {"X-Empty", ""}};
    request.user = "user";
    request.password = "secret";
    REQUIRE(client.send(request));
    request.user.clear();
    request.bearer_token = "token";
    request.method = "POST";
    request.body.clear();
    REQUIRE(client.send(request));
    const auto seen = server.requests();
    CHECK(seen[0].method == "PUT");
    CHECK(seen[0].target == "/path?a=b");
    CHECK(seen[0].body == "some text");
    CHECK(seen[0].headers.at("accept") == "application/json");
    CHECK(seen[0].headers.at("x-empty").empty());
    CHECK(seen[0].headers.at("authorization") == "Basic dXNlcjpzZWNyZXQ=");
    CHECK(seen[0].headers.count("content-type") == 0);
    CHECK(seen[0].headers.count("expect") == 0);
    CHECK(seen[1].headers.at("authorization") == "Bearer token");
    CHECK(seen[1].headers.at("content-length") == "0");
}

TEST_CASE("A body can be produced while it is sent, with and without a known length", "[pipeline][http_client]") {
    LoopbackHttp server(answer_ok);
    HttpClient client;
    const std::string text(3'000'000, 'x');
    for (const bool known_length : {true, false}) {
        HttpRequest request = get(server);
        request.method = "POST";
        request.source = source_of(text, known_length);
        REQUIRE(client.send(request));
        const Request seen = server.requests().back();
        CHECK(seen.body == text);
        CHECK(seen.headers.count(known_length ? "content-length" : "transfer-encoding") == 1);
    }
}

TEST_CASE("A body that cannot be produced ends the request with its reason", "[pipeline][http_client]") {
    LoopbackHttp server(answer_ok);
    HttpRequest request = get(server);
    request.method = "POST";
    request.source = HttpBodySource{[](char*, std::size_t) { return Error{Errc::io, "the file is gone"}; }, {}};
    const auto sent = HttpClient().send(request);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().message == "the file is gone");
}

TEST_CASE("A sink gets the body of a success as it comes, and never that of a failure", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request& request, Peer& peer) {
        peer.answer(request.target == "/good" ? 200 : 500, std::string(200'000, 'y'));
    });
    std::size_t received = 0;
    HttpRequest request = get(server, "/good");
    request.sink = [&received](std::string_view bytes) {
        received += bytes.size();
        return true;
    };
    request.body_max = 300'000;
    HttpClient client;
    const auto good = client.send(request);
    REQUIRE(good);
    CHECK(received == 200'000);
    CHECK(good->body.empty());
    request.url = server.url("/bad");
    CHECK(client.send(request)->body.size() == 200'000);
    CHECK(received == 200'000);

    request.url = server.url("/good");
    request.sink = [](std::string_view) { return false; };
    CHECK(client.send(request).error().code == Errc::cancelled);
}

TEST_CASE("An answer that is too long for memory is an error", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request&, Peer& peer) { peer.answer(200, std::string(1001, 'z')); });
    HttpRequest request = get(server);
    request.body_max = 1000;
    CHECK(HttpClient().send(request).error().code == Errc::io);
    request.body_max = 1001;
    CHECK(HttpClient().send(request));
}

TEST_CASE("The stop flag ends a request to a silent server within a second or so", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request&, Peer& peer) { peer.wait_until_closed(); });
    StopFlag stop{false};
    HttpRequest request = get(server);
    request.stop = &stop;
    std::thread other([&] {
        while (server.requests().empty()) std::this_thread::yield();
        stop = true;
    });
    const auto begun = std::chrono::steady_clock::now();
    const auto sent = HttpClient().send(request);
    other.join();
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::cancelled);
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
}

TEST_CASE("A silent server is given up after the idle time, one that dawdles after the total time",
          "[pipeline][http_client]") {
    LoopbackHttp server([](const Request& request, Peer& peer) {
        if (request.target == "/silent") return peer.wait_until_closed();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        while (peer.write("x")) std::this_thread::yield();
    });
    HttpRequest request = get(server, "/silent");
    request.idle_timeout = 100ms;
    const auto idle = HttpClient().send(request);
    REQUIRE_FALSE(idle);
    CHECK(idle.error().code == Errc::timed_out);
    CHECK(idle.error().message.find("silent for 0.1 s") != std::string::npos);

    request = get(server, "/dawdling");
    request.total_timeout = 200ms;
    request.sink = [](std::string_view) { return true; };
    CHECK(HttpClient().send(request).error().code == Errc::timed_out);
}

TEST_CASE("A server that is not there is named with its port, without path and secrets", "[pipeline][http_client]") {
    std::uint16_t port = 0;
    { port = LoopbackHttp(answer_ok).port(); }
    HttpRequest request;
    request.url = fmt::format("http://user:secret@127.0.0.1:{}/hook/very-secret?token=abc", port);
    const auto sent = HttpClient().send(request);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::network);
    CHECK(sent.error().message.find(fmt::format("127.0.0.1:{}", port)) != std::string::npos);
    CHECK(sent.error().message.find("secret") == std::string::npos);
    CHECK(sent.error().message.find("abc") == std::string::npos);

    request.url = "http://host.invalid/";
    const auto unknown = HttpClient().send(request);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().message.find("host.invalid") != std::string::npos);
}

TEST_CASE("A connection that ends in the middle of an answer is an error", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request&, Peer& peer) {
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        peer.close();
    });
    CHECK(HttpClient().send(get(server)).error().code == Errc::network);
}

TEST_CASE("Requests that could smuggle something in are refused", "[pipeline][http_client]") {
    HttpRequest request;
    const auto error_of = [](const HttpRequest& bad) { return HttpClient().send(bad).error().code; };
    for (const char* url : {"file:///etc/passwd", "ftp://host/", "host/path", "", "http://host/\r\nX: y"}) {
        request.url = url;
        CAPTURE(url);
        CHECK(error_of(request) == Errc::invalid);
    }
    request.url = "http://127.0.0.1:1/";
    request.headers = {{"X-A", "b\r\nX-C: d"}};
    CHECK(error_of(request) == Errc::invalid);
    request.headers = {{"X:A", "b"}};
    CHECK(error_of(request) == Errc::invalid);
    request.headers.clear();
    request.unix_socket = "/" + std::string(200, 's');
    CHECK(error_of(request) == Errc::invalid);
}

TEST_CASE("Redirects are followed only when asked for", "[pipeline][http_client]") {
    LoopbackHttp server([](const Request& request, Peer& peer) {
        if (request.target == "/end") return peer.answer(200, "there");
        peer.answer(302, "", "Location: /end\r\n");
    });
    HttpRequest request = get(server, "/start");
    CHECK(HttpClient().send(request)->status == 302);
    request.redirects_max = 3;
    CHECK(HttpClient().send(request)->body == "there");
}

TEST_CASE("A server can be reached over a Unix socket", "[pipeline][http_client]") {
    test::TemporaryFolder folder;
    LoopbackHttp server(answer_ok, folder / "socket");
    HttpRequest request = get(server, "/version");
    request.unix_socket = folder / "socket";
    CHECK(HttpClient().send(request)->body == "fine");
    CHECK(server.requests().front().target == "/version");
    request.unix_socket = folder / "nothing";
    const auto away = HttpClient().send(request);
    REQUIRE_FALSE(away);
    CHECK(away.error().message.find("nothing") != std::string::npos);
}

TEST_CASE("Only a server with a trusted certificate is talked to, and it may ask for ours", "[pipeline][http_client]") {
    test::TemporaryFolder folder;
    LoopbackHttp::Tls tls = make_certificate(folder, "server");
    const LoopbackHttp::Tls client = make_certificate(folder, "client");
    LoopbackHttp server(answer_ok, tls);
    HttpRequest request = get(server);
    const auto refused = HttpClient().send(request);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    CHECK(refused.error().message.find("localhost") != std::string::npos);
    request.tls.ca = tls.certificate;
    CHECK(HttpClient().send(request)->body == "fine");
    request.tls.ca.clear();
    request.tls.verify = false;
    CHECK(HttpClient().send(request)->body == "fine");

    tls.client_ca = client.certificate;
    LoopbackHttp strict(answer_ok, tls);
    request = get(strict);
    request.tls.ca = tls.certificate;
    CHECK_FALSE(HttpClient().send(request));
    request.tls.certificate = client.certificate;
    request.tls.key = client.key;
    CHECK(HttpClient().send(request)->body == "fine");
}

TEST_CASE("Hosts of addresses and encoded parts of them", "[pipeline][http_client]") {
    CHECK(host_of_url("https://user:pass@host:8042/path?query") == "host:8042");
    CHECK(host_of_url("http://[::1]:80/") == "[::1]:80");
    CHECK(host_of_url("host/path") == "host");
    CHECK(url_encode("a b/ü~") == "a%20b%2F%C3%BC~");
}
