#include "quicksilver/http/server.hpp"

#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/run_blocking.hpp"

#include "connection.hpp"
#include "tls_context.hpp"

#include <boost/asio/ip/host_name.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <list>
#include <sys/stat.h>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace quicksilver {

namespace {

/// When the process has no descriptors left, the next connection is tried after this time.
constexpr auto accept_pause = 200ms;

/// How often deadlines are looked at: a tenth of the shortest, so that none is exceeded by more than that.
std::chrono::milliseconds sweep_interval(const HttpLimits& limits) {
    const auto shortest = std::min({limits.request, limits.idle, limits.write, limits.linger});
    return std::clamp<std::chrono::milliseconds>(shortest / 10, 5ms, 1000ms);
}

Error cannot_listen(const HttpConfig& config, const error_code& reason) {
    const std::string where = fmt::format("{}:{}", config.address, config.port);
    if (reason == asio::error::address_in_use) {
        return Error{Errc::busy,
                     fmt::format("cannot listen for HTTP on {}: another program uses this port. Stop it, or "
                                 "set another http.port.",
                                 where)};
    }
    if (reason == asio::error::access_denied) {
        return Error{Errc::refused, fmt::format("cannot listen for HTTP on {}: ports below 1024 need a privilege "
                                                "(CAP_NET_BIND_SERVICE). Set a higher http.port.",
                                                where)};
    }
    return Error{Errc::network, fmt::format("cannot listen for HTTP on {}: {}. Set http.address to an address of this "
                                            "machine.",
                                            where, reason.message())};
}

Result<asio::ip::address> parse_address(const std::string& text) {
    if (text == "localhost") return asio::ip::address(asio::ip::address_v4::loopback());
    error_code not_an_address;
    const auto address = asio::ip::make_address(text, not_an_address);
    if (!not_an_address) return address;
    return Error{Errc::invalid, fmt::format("http.address '{}' is not an IP address. Use 127.0.0.1 for this machine "
                                            "alone, 0.0.0.0 for every network.",
                                            text)};
}

/// Tells one version of certificate and key from another.
std::string stamp_of_files(const HttpConfig& config) {
    std::string stamp;
    for (const std::filesystem::path& file : {config.certificate, config.key}) {
        struct stat status {};
        if (file.empty() || ::stat(file.c_str(), &status) != 0) continue;
        stamp += fmt::format("{} {} {}.{:09} ", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                             status.st_mtim.tv_nsec);
    }
    return stamp;
}

}  // namespace

class HttpServer::Implementation {
public:
    Implementation(asio::any_io_executor executor, HttpConfig config, Routes routes, Log log, HttpLimits limits);

    Result<void> listen();
    asio::awaitable<bool> renew_certificate(asio::thread_pool& files);
    asio::awaitable<void> stop(std::chrono::milliseconds grace);
    tcp::endpoint endpoint() const;
    std::string url() const;
    std::size_t connections() const { return open_.size(); }

private:
    enum class Admission { serve, refuse, drop };

    error_code open_acceptor(const tcp::endpoint& endpoint);
    asio::awaitable<void> accept();
    asio::awaitable<void> serve(tcp::socket socket, bool over_limit);
    asio::awaitable<void> sweep();
    Admission admit(const tcp::socket& socket) const;
    void report_failure(const std::string& name, const std::exception_ptr& failure) const;

    asio::any_io_executor executor_;
    HttpConfig config_;
    Routes routes_;
    Log log_;
    HttpLimits limits_;
    ConnectionContext shared_;
    std::shared_ptr<asio::ssl::context> tls_;
    std::string certificate_stamp_;  // of the files that tls_ was tried to be made from
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    asio::steady_timer sweep_timer_;
    std::list<Connection> open_;
    CoroutineGroup connections_;
    CoroutineGroup background_;
};

HttpServer::HttpServer(asio::any_io_executor executor, HttpConfig config, Routes routes, Log log, HttpLimits limits)
    : implementation_(std::make_unique<Implementation>(std::move(executor), std::move(config), std::move(routes),
                                                       std::move(log), limits)) {}
HttpServer::~HttpServer() = default;
Result<void> HttpServer::listen() {
    return implementation_->listen();
}
std::uint16_t HttpServer::port() const {
    return implementation_->endpoint().port();
}
std::string HttpServer::url() const {
    return implementation_->url();
}
asio::awaitable<void> HttpServer::stop(std::chrono::milliseconds grace) {
    return implementation_->stop(grace);
}
asio::awaitable<bool> HttpServer::renew_certificate(asio::thread_pool& files) {
    return implementation_->renew_certificate(files);
}
std::size_t HttpServer::connections() const {
    return implementation_->connections();
}

HttpServer::Implementation::Implementation(asio::any_io_executor executor, HttpConfig config, Routes routes, Log log,
                                           HttpLimits limits)
    : executor_(std::move(executor)),
      config_(std::move(config)),
      routes_(std::move(routes)),
      log_(std::move(log)),
      limits_(limits),
      shared_(routes_, limits_, config_, log_),
      acceptor_(executor_),
      pause_(executor_),
      sweep_timer_(executor_),
      connections_(executor_, [this](const auto& name, auto failure) { report_failure(name, failure); }),
      background_(executor_, [this](const auto& name, auto failure) { report_failure(name, failure); }) {}

Result<void> HttpServer::Implementation::listen() {
    auto address = parse_address(config_.address);
    if (!address) return address.error();
    certificate_stamp_ = stamp_of_files(config_);
    auto tls = make_tls_context(config_);
    if (!tls) return tls.error();
    tls_ = *tls;
    if (const error_code failure = open_acceptor(tcp::endpoint(*address, config_.port))) {
        error_code ignored;
        acceptor_.close(ignored);
        return cannot_listen(config_, failure);
    }
    shared_.loopback_only = address->is_loopback();
    background_.start("http accept", accept());
    background_.start("http deadlines", sweep());
    log_.info("listening for HTTP", kv("url", url()));
    return {};
}

/// Connections that are open keep what they began with: OpenSSL counts who uses a context.
asio::awaitable<bool> HttpServer::Implementation::renew_certificate(asio::thread_pool& files) {
    if (!tls_) co_return false;
    std::string stamp;
    Result<std::shared_ptr<asio::ssl::context>> made = std::shared_ptr<asio::ssl::context>();
    auto read = [&] {
        stamp = stamp_of_files(config_);
        if (stamp != certificate_stamp_) made = make_tls_context(config_);
    };
    co_await run_blocking(files, read);
    if (stamp == certificate_stamp_) co_return false;
    certificate_stamp_ = stamp;
    if (!made) {
        log_.error("the new certificate cannot be used; the old one goes on", kv("reason", made.error().message));
        co_return false;
    }
    tls_ = *made;
    log_.info("new certificate", kv("file", config_.certificate.string()));
    co_return true;
}

error_code HttpServer::Implementation::open_acceptor(const tcp::endpoint& endpoint) {
    error_code failure;
    acceptor_.open(endpoint.protocol(), failure);
    if (failure) return failure;
    // So that a restart does not wait for connections of the process before (TIME_WAIT).
    acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (endpoint.address().is_v6()) acceptor_.set_option(asio::ip::v6_only(false), failure);
    acceptor_.bind(endpoint, failure);
    if (failure) return failure;
    acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    return failure;
}

tcp::endpoint HttpServer::Implementation::endpoint() const {
    error_code not_open;
    return acceptor_.local_endpoint(not_open);
}

std::string HttpServer::Implementation::url() const {
    const tcp::endpoint bound = endpoint();
    const auto address = bound.address();
    std::string host = address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
    if (address.is_unspecified()) host = asio::ip::host_name();
    return fmt::format("{}://{}:{}/", tls_ ? "https" : "http", host, bound.port());
}

asio::awaitable<void> HttpServer::Implementation::accept() {
    while (acceptor_.is_open()) {
        error_code failure;
        tcp::socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
        if (!acceptor_.is_open()) break;
        if (failure) {
            // Out of descriptors or memory, or a peer that left before we came: go on, but not in a tight loop.
            log_.warn("cannot accept an HTTP connection", kv("reason", failure.message()));
            pause_.expires_after(accept_pause);
            co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, failure));
            continue;
        }
        const Admission admission = admit(socket);
        if (admission == Admission::drop) continue;
        connections_.start("http connection", serve(std::move(socket), admission == Admission::refuse));
    }
}

HttpServer::Implementation::Admission HttpServer::Implementation::admit(const tcp::socket& socket) const {
    error_code gone_already;
    const std::string address = socket.remote_endpoint(gone_already).address().to_string();
    if (gone_already) return Admission::drop;
    if (open_.size() >= limits_.connections + limits_.refusals) return Admission::drop;
    if (open_.size() >= limits_.connections) return Admission::refuse;
    if (shared_.proxies.trusts(address)) return Admission::serve;  // it brings many clients
    const std::string client = client_of_address(address);
    const auto same_client = static_cast<std::size_t>(std::count_if(
        open_.begin(), open_.end(), [&](const Connection& connection) { return connection.client() == client; }));
    if (same_client >= limits_.connections_per_address + limits_.refusals) return Admission::drop;
    if (same_client >= limits_.connections_per_address) return Admission::refuse;
    return Admission::serve;
}

asio::awaitable<void> HttpServer::Implementation::serve(tcp::socket socket, bool over_limit) {
    struct Place {
        std::list<Connection>& list;
        std::list<Connection>::iterator connection;
        ~Place() { list.erase(connection); }
    };
    const auto connection = open_.emplace(open_.end(), shared_, std::move(socket), tls_.get(), over_limit);
    const Place place{open_, connection};
    co_await connection->run();
}

/// One timer for the deadlines of all connections: a request then costs no timer at all.
asio::awaitable<void> HttpServer::Implementation::sweep() {
    const auto interval = sweep_interval(limits_);
    for (;;) {
        sweep_timer_.expires_after(interval);
        co_await sweep_timer_.async_wait(asio::use_awaitable);
        const auto now = std::chrono::steady_clock::now();
        for (Connection& connection : open_) connection.enforce_deadline(now);
    }
}

asio::awaitable<void> HttpServer::Implementation::stop(std::chrono::milliseconds grace) {
    shared_.stopping = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (Connection& connection : open_) connection.finish();
    bool ended = co_await connections_.join(grace);
    if (!ended) {
        log_.warn("HTTP requests are cancelled, the time to finish them is over", kv("connections", open_.size()));
        connections_.cancel();
    }
    // Work on a pool cannot be cancelled; what refers to this server must end before it does.
    while (!ended) ended = co_await connections_.join(1s);
    background_.cancel();
    while (!background_.empty()) co_await background_.join(1s);
}

void HttpServer::Implementation::report_failure(const std::string& name, const std::exception_ptr& failure) const {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        log_.error("an HTTP coroutine ended", kv("name", name), kv("reason", e.what()));
    } catch (...) {
        log_.error("an HTTP coroutine ended", kv("name", name), kv("reason", "an exception of unknown type"));
    }
}

}  // namespace quicksilver
