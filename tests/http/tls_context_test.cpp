#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace asio = boost::asio;
using namespace quicksilver;
using namespace quicksilver::test;

namespace {

/// A self-signed certificate for localhost, made now so that it never expires in the repository.
HttpConfig make_certificate(const TemporaryFolder& folder, const std::string& name) {
    HttpConfig config;
    config.certificate = folder / (name + ".crt");
    config.key = folder / (name + ".key");
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost -keyout {} -out {} 2>/dev/null",
        config.key.string(), config.certificate.string());
    REQUIRE(std::system(command.c_str()) == 0);
    return config;
}

std::string error_of(const HttpConfig& config) {
    asio::io_context context;
    HttpConfig free_port = config;
    free_port.port = 0;
    HttpServer server(context.get_executor(), free_port, plain_routes(), Log(make_silent_log(), "http"));
    const auto listening = server.listen();
    REQUIRE_FALSE(listening);
    return listening.error().message;
}

/// One GET over TLS with the given certificate as the only trusted one; the text of the answer.
std::string get_over_tls(std::uint16_t port, const HttpConfig& trusted, asio::ssl::context::method method) {
    asio::io_context context;
    asio::ssl::context tls(method);
    tls.load_verify_file(trusted.certificate.string());
    asio::ssl::stream<asio::ip::tcp::socket> stream(context, tls);
    stream.set_verify_mode(asio::ssl::verify_peer);
    stream.set_verify_callback(asio::ssl::host_name_verification("localhost"));
    stream.next_layer().connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
    stream.handshake(asio::ssl::stream_base::client);
    asio::write(stream,
                asio::buffer(std::string("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")));
    std::string received;
    boost::system::error_code end;
    while (!end) {
        std::array<char, 4096> bytes{};
        received.append(bytes.data(), stream.read_some(asio::buffer(bytes), end));
    }
    // Not stream_truncated: the server says properly that this is all.
    CHECK(end == asio::error::eof);
    return received;
}

}  // namespace

TEST_CASE("With a certificate and a key the server speaks HTTPS", "[http][tls]") {
    const TemporaryFolder folder;
    const HttpConfig config = make_certificate(folder, "server");
    RunningServer server(plain_routes(), {}, config);
    CHECK(server.url().rfind("https://", 0) == 0);
    for (const auto method : {asio::ssl::context::tlsv12_client, asio::ssl::context::tlsv13_client}) {
        std::string received = get_over_tls(server.port(), config, method);
        HttpAnswer answer;
        REQUIRE(take_answer(received, answer, false));
        CHECK(answer.status == 200);
        CHECK(answer.body == "hello");
    }
}

TEST_CASE("TLS before 1.2 and plain HTTP are refused on the HTTPS port", "[http][tls]") {
    const TemporaryFolder folder;
    const HttpConfig config = make_certificate(folder, "server");
    RunningServer server(plain_routes(), {}, config);
    CHECK_THROWS(get_over_tls(server.port(), config, asio::ssl::context::tlsv11_client));
    HttpClient plain(server.port());
    plain.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(plain.is_closed_by_server());
}

TEST_CASE("A TLS handshake that does not go on ends at the deadline", "[http][tls]") {
    const TemporaryFolder folder;
    HttpLimits limits;
    limits.request = std::chrono::milliseconds(100);
    RunningServer server(plain_routes(), limits, make_certificate(folder, "server"));
    HttpClient silent(server.port());
    CHECK(silent.is_closed_by_server());
}

TEST_CASE("A certificate that cannot be used is an error that names the file", "[http][tls]") {
    const TemporaryFolder folder;
    const HttpConfig good = make_certificate(folder, "good");
    const HttpConfig other = make_certificate(folder, "other");

    HttpConfig only_one = good;
    only_one.key.clear();
    CHECK(error_of(only_one).find("both a certificate and a key") != std::string::npos);

    HttpConfig missing = good;
    missing.certificate = folder / "missing.crt";
    CHECK(error_of(missing).find(missing.certificate.string()) != std::string::npos);

    HttpConfig mixed = good;
    mixed.key = other.key;
    CHECK(error_of(mixed).find(other.key.string()) != std::string::npos);
}

TEST_CASE("A new certificate counts for the next connections without a restart", "[http][tls]") {
    const TemporaryFolder folder;
    const HttpConfig config = make_certificate(folder, "server");
    RunningServer server(plain_routes(), {}, config);
    CHECK_FALSE(server.renew_certificate());
    const HttpConfig next = make_certificate(folder, "next");
    std::filesystem::rename(next.certificate, config.certificate);
    CHECK_FALSE(server.renew_certificate());  // the key of the old one: it goes on
    std::filesystem::rename(next.key, config.key);
    CHECK(server.renew_certificate());
    CHECK(get_over_tls(server.port(), config, asio::ssl::context::tlsv13_client).starts_with("HTTP/1.1 200"));
}
