#include "tls_gate.hpp"

#include "peer_address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <optional>
#include <vector>

namespace quicksilver::dicom {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using namespace asio::experimental::awaitable_operators;

namespace {

using Secure = ssl::stream<tcp::socket>;

constexpr std::size_t buffer_bytes = 128 * 1024;  // a PDU
constexpr auto goodbye_timeout = std::chrono::seconds(1);
/// Forward secrecy and authenticated encryption only (BCP 195); the suites of TLS 1.3 all have both.
constexpr const char* cipher_suites = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM";

asio::awaitable<error_code> shake_hands(Secure& secure) {
    error_code failed;
    co_await secure.async_handshake(ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, failed));
    co_return failed;
}

/// Two ends of a connection within this process. TCP, because DCMTK sets options of TCP on its end.
asio::awaitable<std::optional<std::pair<tcp::socket, tcp::socket>>> make_pair(asio::any_io_executor executor) {
    error_code failed;
    tcp::acceptor meeting(executor);
    const tcp::endpoint any_port(asio::ip::address_v4::loopback(), 0);
    meeting.open(any_port.protocol(), failed);
    if (!failed) meeting.bind(any_port, failed);
    if (!failed) meeting.listen(1, failed);
    if (failed) co_return std::nullopt;
    tcp::socket outer(executor);
    const tcp::endpoint place = meeting.local_endpoint();
    co_await outer.async_connect(place, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return std::nullopt;
    for (;;) {
        tcp::socket inner = co_await meeting.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return std::nullopt;
        // Another program of this machine may have been faster.
        if (inner.remote_endpoint(failed) != outer.local_endpoint(failed)) continue;
        inner.set_option(tcp::no_delay(true), failed);
        outer.set_option(tcp::no_delay(true), failed);
        co_return std::make_pair(std::move(outer), std::move(inner));
    }
}

/// Carries bytes until the source ends or either side fails, then tells the sink that there will be no more.
template <class Source, class Sink>
asio::awaitable<void> carry(Source& source, Sink& sink) {
    std::vector<char> bytes(buffer_bytes);
    error_code failed;
    while (!failed) {
        const std::size_t count =
            co_await source.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failed));
        if (count == 0) continue;
        error_code lost;
        co_await asio::async_write(sink, asio::buffer(bytes.data(), count),
                                   asio::redirect_error(asio::use_awaitable, lost));
        if (lost) failed = lost;
    }
}

asio::awaitable<void> decrypt(Secure& secure, tcp::socket& plain) {
    co_await carry(secure, plain);
    error_code ignored;
    plain.shutdown(tcp::socket::shutdown_both, ignored);  // the association ends, and with it the other direction
}

asio::awaitable<void> encrypt(tcp::socket& plain, Secure& secure) {
    co_await carry(plain, secure);
    asio::steady_timer deadline(secure.get_executor(), goodbye_timeout);
    error_code ignored;
    auto say_goodbye = secure.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    co_await (std::move(say_goodbye) || deadline.async_wait(asio::use_awaitable));
    secure.lowest_layer().close(ignored);
}

/// Until both directions have ended.
asio::awaitable<void> carry_both(std::unique_ptr<Secure> secure, tcp::socket plain) {
    co_await (decrypt(*secure, plain) && encrypt(plain, *secure));
}

}  // namespace

TlsGate::TlsGate(asio::any_io_executor executor, Log log, std::chrono::milliseconds handshake_timeout,
                 std::size_t connections_max, Adopt adopt, Refused refused)
    : executor_(executor),
      log_(log),
      handshake_timeout_(handshake_timeout),
      connections_max_(connections_max),
      adopt_(std::move(adopt)),
      refused_(std::move(refused)),
      acceptor_(executor),
      handshakes_(executor, [log](const std::string&, std::exception_ptr) { log.error("a TLS handshake failed"); }),
      carried_(executor,
               [log](const std::string&, std::exception_ptr) { log.error("an encrypted connection failed"); }) {}

Result<void> TlsGate::open(const std::string& address, const DicomTlsConfig& settings) {
    const auto cannot_use = [](const char* what, const std::filesystem::path& file, const error_code& reason) {
        return Error{Errc::invalid,
                     fmt::format("dicom.tls: cannot use the {} {}: {}; it must be a readable PEM file, and the "
                                 "key that of the certificate",
                                 what, file.string(), reason.message())};
    };
    SSL_CTX* context = context_.native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_cipher_list(context, cipher_suites);
    error_code failed;
    context_.use_certificate_chain_file(settings.certificate.string(), failed);
    if (failed) return cannot_use("certificate", settings.certificate, failed);
    context_.use_private_key_file(settings.key.string(), ssl::context::pem, failed);
    if (failed) return cannot_use("key", settings.key, failed);
    if (!settings.ca.empty()) {
        context_.load_verify_file(settings.ca.string(), failed);
        if (failed) return cannot_use("ca", settings.ca, failed);
        context_.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    }
    const tcp::endpoint endpoint(asio::ip::make_address(address, failed), settings.port);
    if (!failed) acceptor_.open(endpoint.protocol(), failed);
    if (!failed) acceptor_.set_option(tcp::acceptor::reuse_address(true), failed);
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (!failed) return {};
    return Error{Errc::network,
                 fmt::format("cannot listen for encrypted DICOM on {}:{}: {}; choose another `dicom.tls.port` or stop "
                             "the program that uses it",
                             address, settings.port, failed.message())};
}

std::uint16_t TlsGate::port() const {
    error_code ignored;
    return acceptor_.local_endpoint(ignored).port();
}

void TlsGate::close() {
    error_code ignored;
    acceptor_.close(ignored);
}

asio::awaitable<void> TlsGate::run() {
    while (acceptor_.is_open()) {
        error_code failed;
        tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
        if (failed == asio::error::operation_aborted || !acceptor_.is_open()) break;
        if (failed) {
            log_.error("cannot accept an encrypted connection", kv("reason", failed.message()));
            asio::steady_timer pause(executor_, std::chrono::milliseconds(200));
            co_await pause.async_wait(asio::use_awaitable);
            continue;
        }
        if (handshakes_.size() >= connections_max_) continue;  // closes it: there are as many silent peers as we bear
        handshakes_.start("handshake", shake_hands_and_adopt(std::move(socket)));
    }
    handshakes_.cancel();
    co_await handshakes_.join(std::chrono::seconds(5));
}

asio::awaitable<void> TlsGate::shake_hands_and_adopt(tcp::socket socket) {
    std::string address = peer_address(socket);
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto secure = std::make_unique<Secure>(std::move(socket), context_);
    asio::steady_timer deadline(executor_, handshake_timeout_);
    const auto first = co_await (shake_hands(*secure) || deadline.async_wait(asio::use_awaitable));
    if (first.index() == 1) co_return;  // silent
    if (const error_code failed = std::get<0>(first)) {
        refused_(address, fmt::format("TLS handshake: {}", failed.message()));
        co_return;
    }
    auto pair = co_await make_pair(executor_);
    if (!pair) {
        log_.error("cannot make a connection within this process", kv("peer", address));
        co_return;
    }
    carried_.start("encrypted connection", carry_both(std::move(secure), std::move(pair->first)));
    adopt_(std::move(pair->second), std::move(address));
}

}  // namespace quicksilver::dicom
