#include "connection.hpp"

#include "quicksilver/core/path_prefix.hpp"
#include "quicksilver/http/problem.hpp"

#include "connection_input.hpp"
#include "response_head.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <random>
#include <utility>

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace quicksilver {

namespace {

constexpr std::size_t read_bytes = 16 * 1024;
constexpr std::size_t piece_bytes = 64 * 1024;
constexpr std::size_t linger_bytes_max = 4 * 1024 * 1024;

std::variant<Connection::Socket, asio::ssl::stream<Connection::Socket>> make_stream(Connection::Socket socket,
                                                                                    asio::ssl::context* tls) {
    if (tls) return asio::ssl::stream<Connection::Socket>(std::move(socket), *tls);
    return socket;
}

std::string to_string(boost::beast::string_view text) {
    return std::string(text.data(), text.size());
}

std::optional<Refusal> too_large() {
    return refusal_of(http::error::body_limit, true);
}

}  // namespace

ConnectionContext::ConnectionContext(const Routes& table, const HttpLimits& of_server, const HttpConfig& config, Log to)
    : routes(table),
      limits(of_server),
      log(std::move(to)),
      proxies(config.trusted_proxies),
      prefix(parse_path_prefix(config.prefix).value_or("")),
      boot_id_(std::random_device{}()) {}

std::string ConnectionContext::next_request_id() {
    return fmt::format("{:08x}-{}", boot_id_, ++requests_);
}

const std::string& ConnectionContext::date() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (now != date_second_) {
        date_second_ = now;
        date_ = http_date(now);
    }
    return date_;
}

Connection::Connection(ConnectionContext& shared, Socket socket, asio::ssl::context* tls, bool over_limit)
    : shared_(shared),
      stream_(make_stream(std::move(socket), tls)),
      buffer_(shared.limits.header_bytes + read_bytes),
      idle_limit_(shared.limits.request),
      over_limit_(over_limit) {
    error_code gone_already;
    const std::string peer = this->socket().remote_endpoint(gone_already).address().to_string();
    address_ = plain_address(peer).value_or(peer);
    client_ = client_of_address(address_);
    this->socket().set_option(asio::ip::tcp::no_delay(true), gone_already);
    this->socket().set_option(asio::socket_base::keep_alive(true), gone_already);
}

Connection::Socket& Connection::socket() {
    if (auto* tls = std::get_if<TlsStream>(&stream_)) return tls->next_layer();
    return std::get<Socket>(stream_);
}

asio::awaitable<void> Connection::run() {
    auto* tls = std::get_if<TlsStream>(&stream_);
    if (!tls) {
        co_await serve(std::get<Socket>(stream_));
    } else if (co_await handshake(*tls)) {
        co_await serve(*tls);
        co_await end_tls(*tls);
    }
    if (answered_) co_await linger();
}

asio::awaitable<bool> Connection::handshake(TlsStream& tls) {
    set_deadline(shared_.limits.request);
    error_code failure;
    co_await tls.async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, failure));
    if (failure) {
        shared_.log.debug("TLS handshake failed", kv("address", address_), kv("reason", failure.message()));
    }
    co_return !failure;
}

/// Tells the peer that nothing was cut off (RFC 8446 §6.1).
asio::awaitable<void> Connection::end_tls(TlsStream& tls) {
    if (gone_) co_return;
    set_deadline(shared_.limits.linger);
    error_code ignored;
    co_await tls.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
}

void Connection::enforce_deadline(Clock::time_point now) {
    if (now < deadline_) return;
    timed_out_ = true;
    error_code ignored;
    socket().cancel(ignored);
}

void Connection::finish() {
    if (!waiting_) return;  // `stopping` ends it after the answer
    error_code ignored;
    socket().cancel(ignored);
}

/// Ends with `answered_` set when the last thing that happened was an answer.
template <class Stream>
asio::awaitable<void> Connection::serve(Stream& stream) {
    // Not `while (more && co_await …)`: g++ 12 awaits the right side of a loop's && even when the left one is false.
    bool more = true;
    while (more) {
        const bool has_request = co_await wait_for_request(stream);
        if (!has_request) co_return;
        more = co_await serve_request(stream);
    }
    answered_ = !gone_;
}

/// False when the connection ends without another request: the peer closed it, it was idle too long, or we stop.
template <class Stream>
asio::awaitable<bool> Connection::wait_for_request(Stream& stream) {
    if (buffer_.size() > 0) co_return true;
    if (shared_.stopping) co_return false;
    set_deadline(idle_limit_);
    waiting_ = true;
    error_code failure;
    const std::size_t bytes = co_await stream.async_read_some(buffer_.prepare(read_bytes),
                                                              asio::redirect_error(asio::use_awaitable, failure));
    waiting_ = false;
    buffer_.commit(bytes);
    co_return !failure;
}

/// Reads and answers one request. False when the connection has to end.
template <class Stream>
asio::awaitable<bool> Connection::serve_request(Stream& stream) {
    set_deadline(shared_.limits.request);
    idle_limit_ = shared_.limits.idle;
    Parser parser;
    parser.header_limit(shared_.limits.header_bytes);
    parser.body_limit(boost::none);  // known when the route is
    HttpRequest request;
    request.address = address_;
    request.prefix = shared_.prefix;
    request.secure = std::holds_alternative<TlsStream>(stream_);
    http_1_0_ = false;

    RouteMatch match;
    const std::optional<Refusal> refusal = co_await read_request(stream, parser, request, match);
    deadline_ = Clock::time_point::max();
    if (gone_) co_return false;
    if (request.id.empty()) request.id = shared_.next_request_id();
    HttpResponse response;
    if (refusal) {
        response = make_problem(request, refusal->status, refusal->code, refusal->detail);
        if (refusal->status == 503) response.headers.emplace_back("Retry-After", "5");
    } else if (match.piecewise_max) {
        response = co_await answer_piecewise(stream, parser, request, match);
        if (gone_) co_return false;
    } else {
        response = co_await answer(request, match);
    }
    log_answer(request, response.status);
    // Without chunks the end of the connection is the end of the body.
    const bool ends_by_closing = http_1_0_ && response.stream && !response.stream_bytes;
    const bool usable = parser.is_done() && (!refusal || refusal->keeps_connection);
    const bool keep_alive = usable && parser.keep_alive() && !shared_.stopping && !ends_by_closing;
    const bool written = co_await write(stream, request, response, keep_alive);
    gone_ = gone_ || !written;
    co_return written&& keep_alive;
}

/// Fills the request, or tells why it is refused; sets `gone_` when nobody waits for an answer. A body that is wanted
/// piece by piece is left to its handler.
template <class Stream>
asio::awaitable<std::optional<Refusal>> Connection::read_request(Stream& stream, Parser& parser, HttpRequest& request,
                                                                 RouteMatch& match) {
    error_code failure = co_await read(stream, parser, Part::header);
    std::optional<Refusal> refusal = refusal_after(failure, parser);
    gone_ = failure && !refusal;
    if (failure) co_return refusal;
    http_1_0_ = parser.get().version() < 11;
    refusal = take_header(parser.get(), request);
    if (refusal && !refusal->keeps_connection) co_return refusal;
    if (!refusal) match = shared_.routes.find(request.method, request.path);
    const std::uint64_t body_max = match.piecewise_max.value_or(shared_.limits.body_bytes);
    if (parser.content_length().value_or(0) > body_max) co_return too_large();
    parser.body_limit(body_max);
    if (match.piecewise_max) co_return refusal;
    if (!parser.is_done()) {
        const bool written = co_await continue_if_expected(stream, parser.get());
        gone_ = !written;
        if (gone_) co_return std::nullopt;
        failure = co_await read(stream, parser, Part::message);
    }
    if (failure) {
        refusal = refusal_after(failure, parser);
        gone_ = !refusal;
    }
    request.body = std::move(parser.get().body());
    co_return refusal;
}

/// Feeds the parser from the buffer and the stream until it has the part.
template <class Stream>
asio::awaitable<error_code> Connection::read(Stream& stream, Parser& parser, Part part) {
    parser.eager(part != Part::header);
    const auto has_part = [&parser, part] {
        if (part == Part::piece && parser.get().body().size() >= piece_bytes) return true;
        return part == Part::header ? parser.is_header_done() : parser.is_done();
    };
    error_code failure;
    HeadSoFar head;
    while (!has_part()) {
        if (buffer_.size() > 0) {
            const std::size_t used = parser.put(buffer_.cdata(), failure);
            const error_code refused =
                part == Part::header ? check_head(head, used, parser.is_header_done()) : error_code();
            buffer_.consume(used);
            if (refused) co_return refused;
            if (failure && failure != http::error::need_more) co_return failure;
            if (!failure && used > 0) continue;
        }
        const std::size_t room = std::min(read_bytes, buffer_.max_size() - buffer_.size());
        if (room == 0) co_return error_code(http::error::buffer_overflow);
        const std::size_t bytes =
            co_await stream.async_read_some(buffer_.prepare(room), asio::redirect_error(asio::use_awaitable, failure));
        buffer_.commit(bytes);
        if (failure) co_return failure;
    }
    co_return error_code();
}

/// Beast takes a header line by line as they come and forgets at each read how long the lines before were.
error_code Connection::check_head(HeadSoFar& head, std::size_t used, bool is_whole) const {
    const std::string_view taken(static_cast<const char*>(buffer_.cdata().data()), used);
    if (has_folded_line(head.ends_line, taken)) return http::error::bad_value;
    head.ends_line = taken.empty() ? head.ends_line : taken.back() == '\n';
    head.bytes += used;
    const std::size_t waiting = is_whole ? 0 : buffer_.size() - used;
    if (head.bytes + waiting > shared_.limits.header_bytes) return http::error::header_limit;
    return {};
}

std::optional<Refusal> Connection::refusal_after(const error_code& failure, const Parser& parser) const {
    if (!timed_out_) return refusal_of(failure, !parser.get().target().empty());
    Refusal refusal;
    refusal.status = 408;
    refusal.code = "request_timeout";
    refusal.detail = "The request did not arrive in time.";
    return refusal;
}

std::optional<Refusal> Connection::take_header(const RequestHeader& header, HttpRequest& request) const {
    request.method = to_string(header.method_string());
    request.target = to_string(header.target());
    for (const auto& field : header)
        request.headers.emplace_back(to_string(field.name_string()), to_string(field.value()));
    if (auto id = usable_request_id(header)) request.id = std::move(*id);

    if (auto refusal = check_framing(header)) return refusal;
    auto target = parse_target(request.target);
    Refusal refusal;
    if (!target) {
        refusal.detail = "The request target is not a path, or an escape in it is broken.";
        return refusal;
    }
    request.path = path_below(shared_.prefix, std::move(target->path));
    shared_.proxies.apply(request);
    request.query = std::move(target->query);
    if (over_limit_) {
        refusal.status = 503;
        refusal.code = "too_many_connections";
        refusal.detail = "Too many connections are open. Try again in a few seconds.";
        return refusal;
    }
    if (shared_.loopback_only) return check_host(header, *target);
    return std::nullopt;
}

/// RFC 9110 §10.1.1. False when the peer cannot be written to.
template <class Stream>
asio::awaitable<bool> Connection::continue_if_expected(Stream& stream, const RequestHeader& header) {
    if (!boost::beast::iequals(header[http::field::expect], "100-continue")) co_return true;
    if (buffer_.size() > 0) co_return true;  // the body comes already
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    error_code failure;
    co_await asio::async_write(stream, asio::buffer(go_on), asio::redirect_error(asio::use_awaitable, failure));
    co_return !failure;
}

/// Whatever the handler made of it, a body that did not come is answered as such.
template <class Stream>
asio::awaitable<HttpResponse> Connection::answer_piecewise(Stream& stream, Parser& parser, HttpRequest& request,
                                                           RouteMatch& match) {
    Input<Stream> input(*this, stream, parser);
    request.input = &input;
    HttpResponse response = co_await answer(request, match);
    request.input = nullptr;
    if (!input.broken()) co_return response;
    gone_ = !input.refusal();
    if (input.refusal())
        response = make_problem(request, input.refusal()->status, input.refusal()->code, input.refusal()->detail);
    co_return response;
}

asio::awaitable<HttpResponse> Connection::answer(HttpRequest& request, RouteMatch& match) {
    HttpResponse response;
    const std::string allow = fmt::format("{}", fmt::join(match.allowed, ", "));
    if (match.handler) {
        request.parameters = std::move(match.parameters);
        response = co_await call(*match.handler, request);
    } else if (request.method == "OPTIONS" && (request.path == "*" || !match.allowed.empty())) {
        response.status = 204;
        response.headers.emplace_back("Allow", request.path == "*" ? "GET, HEAD, OPTIONS" : allow);
    } else if (!match.allowed.empty()) {
        const std::string detail = fmt::format("{} answers to {}.", request.path, allow);
        response = make_problem(request, 405, "method_not_allowed", detail);
        response.headers.emplace_back("Allow", allow);
    } else {
        response = make_problem(request, 404, "not_found", "There is nothing at this address.");
    }
    co_return response;
}

/// The edge where whatever a handler throws becomes an answer.
asio::awaitable<HttpResponse> Connection::call(const HttpHandler& handler, const HttpRequest& request) {
    HttpResponse response;
    std::string reason;
    bool failed = false;
    try {
        response = co_await handler(request);
        add_prefix_to_location(request.prefix, response);
    } catch (const BrokenBody&) {
        // Its input knows why.
    } catch (const std::exception& e) {
        failed = true;
        reason = e.what();
    } catch (...) {
        failed = true;
        reason = "an exception of unknown type";
    }
    if (!failed) co_return response;
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool cancelled = state.cancelled() != asio::cancellation_type::none;
    if (cancelled) throw boost::system::system_error(asio::error::operation_aborted);
    shared_.log.error("request failed", kv("id", request.id), kv("method", request.method), kv("path", request.path),
                      kv("reason", reason));
    response = make_problem(request, 500, "internal_error",
                            "The server failed to answer. Its log has the reason under this request_id.");
    co_return response;
}

template <class Stream>
asio::awaitable<bool> Connection::write(Stream& stream, const HttpRequest& request, const HttpResponse& response,
                                        bool keep_alive) {
    const bool has_body = request.method != "HEAD" && response.status != 204 && response.status != 304;
    ResponseContext context;
    context.request_id = request.id;
    context.date = shared_.date();
    context.keep_alive = keep_alive;
    context.chunked = response.stream && !response.stream_bytes && !http_1_0_;
    const std::string head = make_response_head(response, context);
    if (has_body && response.stream) {
        const bool begun = co_await write_all(stream, head);
        if (!begun) co_return false;
        co_return co_await write_stream(stream, *response.stream, context.chunked);
    }
    std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::const_buffer()};
    if (has_body) parts[1] = asio::buffer(response.content());
    set_deadline(shared_.limits.write);
    timed_out_ = false;
    error_code failure;
    co_await asio::async_write(stream, parts, asio::redirect_error(asio::use_awaitable, failure));
    co_return !failure;
}

/// Between two pieces there is no deadline: the next one may be long in coming. Each write has one.
template <class Stream>
asio::awaitable<bool> Connection::write_stream(Stream& stream, BodySource& source, bool chunked) {
    for (;;) {
        deadline_ = Clock::time_point::max();
        const std::optional<std::string> piece = co_await source.next();
        if (!piece) break;
        if (piece->empty()) continue;  // an empty chunk would be the end
        const std::string chunk = chunked ? fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece) : *piece;
        const bool written = co_await write_all(stream, chunk);
        if (!written) co_return false;
    }
    const std::string_view end = chunked ? "0\r\n\r\n" : "";
    co_return co_await write_all(stream, end);
}

template <class Stream>
asio::awaitable<bool> Connection::write_all(Stream& stream, std::string_view bytes) {
    set_deadline(shared_.limits.write);
    timed_out_ = false;
    error_code failure;
    co_await asio::async_write(stream, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
    co_return !failure;
}

void Connection::log_answer(const HttpRequest& request, unsigned status) const {
    if (!shared_.log.enabled(LogLevel::debug)) return;
    shared_.log.debug("request answered", kv("id", request.id), kv("method", request.method), kv("path", request.path),
                      kv("status", status), kv("address", request.address));
}

/// Reads what the peer still sends before the socket is closed: closing it with unread bytes makes TCP throw away an
/// answer that the peer has not read yet.
asio::awaitable<void> Connection::linger() {
    set_deadline(shared_.limits.linger);
    error_code failure;
    socket().shutdown(asio::socket_base::shutdown_send, failure);
    std::array<char, 4096> unread{};
    for (std::size_t total = 0; !failure && total < linger_bytes_max;) {
        total +=
            co_await socket().async_read_some(asio::buffer(unread), asio::redirect_error(asio::use_awaitable, failure));
    }
}

}  // namespace quicksilver
