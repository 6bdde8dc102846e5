#pragma once

#include "quicksilver/core/log.hpp"
#include "quicksilver/http/routes.hpp"
#include "quicksilver/http/server.hpp"

#include "forwarded.hpp"
#include "request_checks.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace quicksilver {

/// A body as text. Unlike Beast's string_body it sets no memory aside for what a client only announces.
struct ArrivingBody {
    using value_type = std::string;

    class reader {
    public:
        template <bool is_request, class Fields>
        reader(boost::beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}

        void init(const boost::optional<std::uint64_t>&, boost::system::error_code& failure) { failure = {}; }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, boost::system::error_code& failure) {
            const std::size_t before = body_.size();
            for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
                body_.append(static_cast<const char*>(buffer.data()), buffer.size());
            }
            failure = {};
            return body_.size() - before;
        }
        void finish(boost::system::error_code& failure) { failure = {}; }

    private:
        value_type& body_;
    };
};

/// What all connections of one server share; outlives them.
struct ConnectionContext {
    ConnectionContext(const Routes& table, const HttpLimits& of_server, const HttpConfig& config, Log to);

    const Routes& routes;
    const HttpLimits& limits;
    Log log;
    TrustedProxies proxies;
    std::string prefix;
    bool loopback_only = false;
    bool stopping = false;

    std::string next_request_id();
    /// The present second as the Date header shows it.
    const std::string& date();

private:
    std::uint32_t boot_id_;
    std::uint64_t requests_ = 0;
    std::chrono::sys_seconds date_second_{};
    std::string date_;
};

/// One connection: reads a request, answers it, and so on. Io thread only.
/// It has one deadline at a time, which the server enforces from outside by ending the wait for the socket.
class Connection {
public:
    using Socket = boost::asio::ip::tcp::socket;
    using Clock = std::chrono::steady_clock;

    /// `tls` may be null. `over_limit`: the first request is answered with 503.
    Connection(ConnectionContext& shared, Socket socket, boost::asio::ssl::context* tls, bool over_limit);

    /// Returns when the connection is over.
    boost::asio::awaitable<void> run();

    void enforce_deadline(Clock::time_point now);
    /// Closes the connection now if it waits for a request, else after the current answer.
    void finish();

    /// The peer's, a proxy's perhaps.
    const std::string& address() const { return address_; }
    /// For the limit of connections: see client_of_address.
    const std::string& client() const { return client_; }

private:
    using TlsStream = boost::asio::ssl::stream<Socket>;
    using Parser = boost::beast::http::request_parser<ArrivingBody>;
    enum class Part { header, piece, message };
    /// What has been read of the head of the present request.
    struct HeadSoFar {
        std::size_t bytes = 0;
        bool ends_line = false;
    };
    template <class Stream>
    class Input;

    template <class Stream>
    boost::asio::awaitable<void> serve(Stream& stream);
    template <class Stream>
    boost::asio::awaitable<bool> wait_for_request(Stream& stream);
    template <class Stream>
    boost::asio::awaitable<bool> serve_request(Stream& stream);
    template <class Stream>
    boost::asio::awaitable<std::optional<Refusal>> read_request(Stream& stream, Parser& parser, HttpRequest& request,
                                                                RouteMatch& match);
    template <class Stream>
    boost::asio::awaitable<boost::system::error_code> read(Stream& stream, Parser& parser, Part part);
    template <class Stream>
    boost::asio::awaitable<bool> continue_if_expected(Stream& stream, const RequestHeader& header);
    template <class Stream>
    boost::asio::awaitable<bool> write(Stream& stream, const HttpRequest& request, const HttpResponse& response,
                                       bool keep_alive);
    template <class Stream>
    boost::asio::awaitable<bool> write_stream(Stream& stream, BodySource& source, bool chunked);
    template <class Stream>
    boost::asio::awaitable<bool> write_all(Stream& stream, std::string_view bytes);
    boost::asio::awaitable<bool> handshake(TlsStream& tls);
    boost::asio::awaitable<void> end_tls(TlsStream& tls);
    boost::asio::awaitable<void> linger();
    template <class Stream>
    boost::asio::awaitable<HttpResponse> answer_piecewise(Stream& stream, Parser& parser, HttpRequest& request,
                                                          RouteMatch& match);
    boost::asio::awaitable<HttpResponse> answer(HttpRequest& request, RouteMatch& match);
    boost::asio::awaitable<HttpResponse> call(const HttpHandler& handler, const HttpRequest& request);
    boost::system::error_code check_head(HeadSoFar& head, std::size_t used, bool is_whole) const;
    std::optional<Refusal> take_header(const RequestHeader& header, HttpRequest& request) const;
    std::optional<Refusal> refusal_after(const boost::system::error_code& failure, const Parser& parser) const;
    void log_answer(const HttpRequest& request, unsigned status) const;
    Socket& socket();
    void set_deadline(std::chrono::milliseconds limit) { deadline_ = Clock::now() + limit; }

    ConnectionContext& shared_;
    std::variant<Socket, TlsStream> stream_;
    std::string address_;
    std::string client_;
    boost::beast::flat_buffer buffer_;
    Clock::time_point deadline_ = Clock::time_point::max();
    std::chrono::milliseconds idle_limit_;  ///< a new connection has less time than one that has asked before
    bool over_limit_;
    bool http_1_0_ = false;   ///< of the present request: knows no chunks
    bool waiting_ = false;    ///< for the first byte of a request
    bool timed_out_ = false;  ///< a deadline passed
    bool gone_ = false;       ///< the peer went away, or nothing more can be said to it
    bool answered_ = false;   ///< the connection ends with an answer that the peer should get to read
};

}  // namespace quicksilver
