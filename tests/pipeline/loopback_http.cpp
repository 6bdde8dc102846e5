#include "loopback_http.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <list>
#include <mutex>
#include <optional>
#include <sys/socket.h>
#include <thread>

namespace quicksilver::test {

namespace asio = boost::asio;

namespace {

using Socket = asio::generic::stream_protocol::socket;
using boost::system::error_code;

/// One connection, plain or with TLS.
struct Connection final : LoopbackHttp::Peer {
    Connection(asio::io_context& context, asio::ssl::context* tls) : socket(context) {
        if (tls != nullptr) stream.emplace(socket, *tls);
    }

    bool handshake() {
        error_code error;
        if (stream) stream->handshake(asio::ssl::stream_base::server, error);
        return !error;
    }
    /// Appends what comes to `pending`; false at the end.
    bool read_some() {
        char bytes[65536];
        error_code error;
        const std::size_t count =
            stream ? stream->read_some(asio::buffer(bytes), error) : socket.read_some(asio::buffer(bytes), error);
        pending.append(bytes, count);
        return !error && count > 0;
    }
    bool write(std::string_view bytes) override {
        error_code error;
        if (stream) {
            asio::write(*stream, asio::buffer(bytes), error);
        } else {
            asio::write(socket, asio::buffer(bytes), error);
        }
        return !error;
    }
    void wait_until_closed() override {
        while (read_some()) pending.clear();
    }
    void close() override { ended = true; }
    /// From another thread: wakes whoever reads or writes.
    void abort() { ::shutdown(socket.native_handle(), SHUT_RDWR); }

    Socket socket;
    std::optional<asio::ssl::stream<Socket&>> stream;
    std::string pending;
    bool ended = false;
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Everything until `end`, which is taken too.
std::optional<std::string> take_until(Connection& peer, std::string_view end) {
    for (;;) {
        if (const auto found = peer.pending.find(end); found != std::string::npos) {
            std::string text = peer.pending.substr(0, found);
            peer.pending.erase(0, found + end.size());
            return text;
        }
        if (!peer.read_some()) return std::nullopt;
    }
}

std::optional<std::string> take(Connection& peer, std::size_t count) {
    while (peer.pending.size() < count) {
        if (!peer.read_some()) return std::nullopt;
    }
    std::string text = peer.pending.substr(0, count);
    peer.pending.erase(0, count);
    return text;
}

bool read_chunks(Connection& peer, std::string& body) {
    for (;;) {
        const auto length = take_until(peer, "\r\n");
        if (!length) return false;
        const std::size_t count = std::stoul(*length, nullptr, 16);
        const auto chunk = take(peer, count);
        if (!chunk || !take_until(peer, "\r\n")) return false;
        body += *chunk;
        if (count == 0) return true;
    }
}

bool read_request(Connection& peer, LoopbackHttp::Request& request) {
    const auto head = take_until(peer, "\r\n\r\n");
    if (!head) return false;
    const auto first_end = std::min(head->find("\r\n"), head->size());
    const std::string first = head->substr(0, first_end);
    const auto one = first.find(' ');
    const auto two = first.rfind(' ');
    request.method = first.substr(0, one);
    request.target = first.substr(one + 1, two - one - 1);
    for (std::size_t at = first_end; at < head->size();) {
        at += 2;
        const auto end = std::min(head->find("\r\n", at), head->size());
        const std::string line = head->substr(at, end - at);
        const auto colon = line.find(':');
        const auto value = line.find_first_not_of(' ', colon + 1);
        request.headers[lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
        at = end;
    }
    if (request.headers["transfer-encoding"] == "chunked") return read_chunks(peer, request.body);
    const std::string length = request.headers["content-length"];
    const auto body = take(peer, length.empty() ? 0 : std::stoul(length));
    request.body = body.value_or("");
    return body.has_value();
}

}  // namespace

void LoopbackHttp::Peer::answer(int status, std::string_view body, std::string_view more_headers) {
    write(fmt::format("HTTP/1.1 {} Status\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(), more_headers, body));
}

struct LoopbackHttp::State {
    Handler handler;
    asio::io_context context;
    std::optional<asio::ip::tcp::acceptor> tcp;
    std::optional<asio::local::stream_protocol::acceptor> local;
    std::optional<asio::ssl::context> tls;
    std::atomic<bool> stopping{false};
    mutable std::mutex mutex;                            // guards the two below
    std::list<std::unique_ptr<Connection>> connections;  // live until the end, so that abort() is always safe
    std::vector<Request> requests;
    std::list<std::thread> workers;
    std::thread acceptor;

    explicit State(Handler given) : handler(std::move(given)) {}

    void start() {
        acceptor = std::thread([this] { accept_all(); });
    }

    void accept_all() {
        for (unsigned number = 1; !stopping; ++number) {
            auto connection = std::make_unique<Connection>(context, tls ? &*tls : nullptr);
            error_code error;
            if (tcp) {
                tcp->accept(connection->socket, error);
            } else {
                local->accept(connection->socket, error);
            }
            if (error || stopping) return;
            Connection& peer = *connection;
            const std::lock_guard lock(mutex);
            connections.push_back(std::move(connection));
            workers.emplace_back([this, &peer, number] { serve(peer, number); });
        }
    }

    void serve(Connection& peer, unsigned number) {
        if (!peer.handshake()) return peer.abort();
        while (!peer.ended && !stopping) {
            Request request;
            request.connection = number;
            if (!read_request(peer, request)) break;
            {
                const std::lock_guard lock(mutex);
                requests.push_back(request);
            }
            handler(request, peer);
        }
        peer.abort();
    }

    void stop() {
        stopping = true;
        const int listening = tcp ? tcp->native_handle() : local->native_handle();
        ::shutdown(listening, SHUT_RDWR);
        acceptor.join();
        for (const auto& connection : connections) connection->abort();
        for (std::thread& worker : workers) worker.join();
    }
};

LoopbackHttp::LoopbackHttp(Handler handler) : state_(std::make_unique<State>(std::move(handler))) {
    state_->tcp.emplace(state_->context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    state_->start();
}

LoopbackHttp::LoopbackHttp(Handler handler, const std::filesystem::path& unix_socket)
    : state_(std::make_unique<State>(std::move(handler))) {
    state_->local.emplace(state_->context, asio::local::stream_protocol::endpoint(unix_socket.string()));
    state_->start();
}

LoopbackHttp::LoopbackHttp(Handler handler, const Tls& tls) : state_(std::make_unique<State>(std::move(handler))) {
    state_->tls.emplace(asio::ssl::context::tls_server);
    state_->tls->use_certificate_chain_file(tls.certificate.string());
    state_->tls->use_private_key_file(tls.key.string(), asio::ssl::context::pem);
    if (!tls.client_ca.empty()) {
        state_->tls->load_verify_file(tls.client_ca.string());
        state_->tls->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    state_->tcp.emplace(state_->context, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    state_->start();
}

LoopbackHttp::~LoopbackHttp() {
    state_->stop();
}

std::uint16_t LoopbackHttp::port() const {
    return state_->tcp ? state_->tcp->local_endpoint().port() : std::uint16_t{0};
}

std::string LoopbackHttp::url(std::string_view path) const {
    if (state_->local) return fmt::format("http://localhost{}", path);
    return state_->tls ? fmt::format("https://localhost:{}{}", port(), path)
                       : fmt::format("http://127.0.0.1:{}{}", port(), path);
}

std::vector<LoopbackHttp::Request> LoopbackHttp::requests() const {
    const std::lock_guard lock(state_->mutex);
    return state_->requests;
}

}  // namespace quicksilver::test
