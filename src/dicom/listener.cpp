#include "quicksilver/dicom/listener.hpp"

#include "quicksilver/core/coroutine_group.hpp"

#include "association_session.hpp"
#include "peer_address.hpp"
#include "tls_gate.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <fmt/format.h>

#include <array>
#include <mutex>
#include <set>
#include <sys/socket.h>

namespace quicksilver::dicom {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::size_t pdu_header_length = 6;
constexpr std::size_t longest_request = 128 * 1024;  // 128 contexts with a dozen syntaxes each need 60 kB
constexpr unsigned char associate_request = 0x01;

/// Connections whose association runs on a thread, so that they can be shut down from another.
class OpenSockets {
public:
    void add(int socket) {
        const std::lock_guard lock(mutex_);
        sockets_.insert(socket);
    }
    void remove(int socket) {
        const std::lock_guard lock(mutex_);
        sockets_.erase(socket);
    }
    void shut_down_all() {
        const std::lock_guard lock(mutex_);
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return sockets_.size();
    }

private:
    mutable std::mutex mutex_;
    std::set<int> sockets_;
};

/// Waits until `bytes` can be read at once. Needs no thread and no polling: the kernel wakes us when they are there.
asio::awaitable<bool> wait_for_bytes(tcp::socket& socket, std::size_t bytes) {
    const int wanted = static_cast<int>(bytes);
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
    boost::system::error_code failed;
    co_await socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return false;
    // Also readable when the peer has closed: then there are fewer.
    co_return socket.available(failed) >= bytes && !failed;
}

/// The length of the A-ASSOCIATE-RQ that begins here with its header, 0 when it is something else (PS3.8 §9.3.2).
std::size_t request_length(tcp::socket& socket) {
    std::array<unsigned char, pdu_header_length> header{};
    const ssize_t got = ::recv(socket.native_handle(), header.data(), header.size(), MSG_PEEK);
    if (got != static_cast<ssize_t>(header.size()) || header[0] != associate_request) return 0;
    const std::size_t length = (static_cast<std::size_t>(header[2]) << 24) |
                               (static_cast<std::size_t>(header[3]) << 16) |
                               (static_cast<std::size_t>(header[4]) << 8) | header[5];
    return length <= longest_request ? length + pdu_header_length : 0;
}

/// Waits for the whole A-ASSOCIATE-RQ; false when the peer sends something else or goes away.
asio::awaitable<bool> has_request(tcp::socket& socket) {
    if (!co_await wait_for_bytes(socket, pdu_header_length)) co_return false;
    const std::size_t length = request_length(socket);
    if (length == 0) co_return false;
    co_return co_await wait_for_bytes(socket, length);
}

/// A-ASSOCIATE-RJ: rejected-transient, by the presentation service: local limit exceeded (PS3.8 §9.3.4).
void reject_for_limit(tcp::socket& socket) {
    static constexpr std::array<unsigned char, 10> rejection = {0x03, 0, 0, 0, 0, 4, 0, 2, 3, 2};
    boost::system::error_code ignored;
    socket.write_some(asio::buffer(rejection), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace

struct Listener::Impl {
    Impl(asio::any_io_executor executor, asio::thread_pool& pool, ConfigSource source, InstanceStore& store,
         ReceptionObserver& reception_observer, Log area, ListenerLimits listener_limits)
        : associations(pool),
          config(std::move(source)),
          log(area),
          limits(listener_limits),
          observer(reception_observer),
          acceptor(executor),
          waiting(executor, [area](const std::string&, std::exception_ptr) { area.error("a connection failed"); }),
          context{store, reception_observer, area, listener_limits} {}

    ~Impl() {
        if (context.network) ASC_dropNetwork(&context.network);
    }

    Result<void> open();
    void adopt(tcp::socket socket, std::string address);
    asio::awaitable<void> wait_for_request(tcp::socket socket, std::string address);
    void run_session(tcp::socket socket, std::shared_ptr<const Config> snapshot, std::string address);

    asio::thread_pool& associations;
    ConfigSource config;
    Log log;
    ListenerLimits limits;
    ReceptionObserver& observer;
    tcp::acceptor acceptor;
    CoroutineGroup waiting;  // connections whose request has not arrived yet
    SessionContext context;
    OpenSockets sockets;
    std::unique_ptr<TlsGate> tls;  // null without an encrypted port
    bool paused = false;           // io thread
};

Listener::Listener(asio::any_io_executor executor, asio::thread_pool& associations, ConfigSource config,
                   InstanceStore& store, ReceptionObserver& observer, Log log, ListenerLimits limits)
    : impl_(
          std::make_shared<Impl>(executor, associations, std::move(config), store, observer, std::move(log), limits)) {}

Listener::~Listener() = default;

void Listener::set_paused(bool paused) {
    impl_->paused = paused;
}

Result<void> Listener::open() {
    return impl_->open();
}

Result<void> Listener::Impl::open() {
    const DicomConfig& settings = config()->dicom;
    const auto failed = [&settings](const std::string& why) {
        return Error{Errc::network,
                     fmt::format("cannot listen for DICOM on {}:{}: {}; choose another `port` or stop the "
                                 "program that uses it",
                                 settings.address, settings.port, why)};
    };
    boost::system::error_code error;
    const auto address = asio::ip::make_address(settings.address, error);
    if (error) {
        return Error{Errc::invalid, fmt::format("dicom.address: '{}' is not an IP address", settings.address)};
    }
    const tcp::endpoint endpoint(address, settings.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return failed(error.message());

    // With an external socket set, DCMTK opens no listening socket of its own.
    dcmExternalSocketHandle.set(1);
    const OFCondition initialized = ASC_initializeNetwork(NET_ACCEPTOR, 0, 30, &context.network);
    dcmExternalSocketHandle.set(-1);
    if (initialized.bad()) return failed(initialized.text());
    if (!settings.tls) return {};
    const auto refused = [this](const std::string& peer_address, const std::string& reason) {
        Peer peer;
        peer.address = peer_address;
        log.warn("encrypted connection refused", kv("peer", peer_address), kv("reason", reason));
        observer.association_rejected(peer, reason);
    };
    const auto go_on = [this](tcp::socket plain, std::string peer_address) {
        adopt(std::move(plain), std::move(peer_address));
    };
    tls = std::make_unique<TlsGate>(acceptor.get_executor(), log, limits.request_timeout,
                                    limits.connections_without_request, go_on, refused);
    return tls->open(settings.address, *settings.tls);
}

std::uint16_t Listener::port() const {
    boost::system::error_code ignored;
    return impl_->acceptor.local_endpoint(ignored).port();
}

std::uint16_t Listener::encrypted_port() const {
    return impl_->tls ? impl_->tls->port() : 0;
}

std::size_t Listener::associations() const {
    return impl_->sockets.size();
}

asio::awaitable<void> Listener::run() {
    const auto impl = impl_;
    while (impl->acceptor.is_open()) {
        boost::system::error_code error;
        tcp::socket socket = co_await impl->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted || !impl->acceptor.is_open()) break;
        if (error) {
            // Out of descriptors, usually: give the running associations time to end.
            impl->log.error("cannot accept a connection", kv("reason", error.message()));
            asio::steady_timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds(200));
            co_await pause.async_wait(asio::use_awaitable);
            continue;
        }
        std::string address = peer_address(socket);
        impl->adopt(std::move(socket), std::move(address));
    }
    impl->waiting.cancel();
    co_await impl->waiting.join(std::chrono::seconds(5));
}

asio::awaitable<void> Listener::run_encrypted() {
    const auto impl = impl_;
    if (impl->tls) co_await impl->tls->run();
}

void Listener::Impl::adopt(tcp::socket socket, std::string address) {
    if (context.stopping) return;
    if (waiting.size() >= limits.connections_without_request) {
        reject_for_limit(socket);
        return;
    }
    waiting.start("connection", wait_for_request(std::move(socket), std::move(address)));
}

asio::awaitable<void> Listener::Impl::wait_for_request(tcp::socket socket, std::string address) {
    asio::steady_timer deadline(socket.get_executor(), limits.request_timeout);
    const auto first = co_await (has_request(socket) || deadline.async_wait(asio::use_awaitable));
    const bool complete = first.index() == 0 && std::get<0>(first);
    if (!complete) {
        log.debug("connection closed without an association request");
        co_return;
    }
    const auto snapshot = config();
    const bool full = sockets.size() >= snapshot->dicom.max_associations;
    if (paused || full) {
        log.warn("association rejected", kv("peer", address),
                 kv("reason", paused ? "reception is paused" : "dicom.max_associations are open"));
        Peer peer;
        peer.address = address;
        observer.association_rejected(peer, paused ? "reception is paused" : "too many associations");
        reject_for_limit(socket);
        co_return;
    }
    run_session(std::move(socket), snapshot, address);
}

void Listener::Impl::run_session(tcp::socket socket, std::shared_ptr<const Config> snapshot, std::string address) {
    boost::system::error_code error;
    socket.set_option(tcp::no_delay(true), error);
    socket.native_non_blocking(false, error);  // DCMTK expects a blocking socket
    const int wanted = 1;
    ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
    const int descriptor = socket.release(error);
    if (error) {
        log.error("cannot hand over a connection", kv("reason", error.message()));
        return;
    }
    sockets.add(descriptor);
    asio::post(associations, [this, descriptor, snapshot = std::move(snapshot), address = std::move(address)] {
        const auto forget = [this, descriptor] { sockets.remove(descriptor); };
        try {
            run_association(context, snapshot, descriptor, address, forget);
        } catch (const std::exception& e) {
            log.error("an association failed", kv("peer", address), kv("reason", e.what()));
            forget();
        }
    });
}

void Listener::close() {
    impl_->context.stopping = true;
    boost::system::error_code ignored;
    impl_->acceptor.close(ignored);
    if (impl_->tls) impl_->tls->close();
}

void Listener::abort() {
    impl_->sockets.shut_down_all();
}

}  // namespace quicksilver::dicom
