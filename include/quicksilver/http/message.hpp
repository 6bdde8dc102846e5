#pragma once

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// The rest of a body will not come: the client is gone or too slow, or it is malformed or too large. The server
/// answers.
class BrokenBody : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The body of a request, piece by piece while it arrives. Io thread only.
class BodyInput {
public:
    virtual ~BodyInput() = default;
    /// The next piece, or nothing at the end. Throws BrokenBody.
    virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
    /// How long the client says that it is.
    virtual std::optional<std::uint64_t> announced_bytes() const = 0;
};

/// One request, checked: the server refuses what is malformed or too large before a handler sees it.
struct HttpRequest {
    std::string method;                             ///< as sent: GET, HEAD, POST …
    std::string target;                             ///< path and query as sent
    std::string path;                               ///< without prefix; percent-encoded; `parameters` are decoded
    std::string body;                               ///< all of it, but for routes that take it piece by piece …
    BodyInput* input = nullptr;                     ///< … which have this instead, while their handler runs
    std::string id;                                 ///< X-Request-Id: the client's when it is a plain word, else ours
    std::string address;                            ///< the client's IP address
    bool secure = false;                            ///< the client sent it through TLS
    std::string prefix;                             ///< below which a proxy shows the server: "" or "/quicksilver"
    std::string forwarded_host;                     ///< what the client sent as Host to a proxy, if a proxy says so
    std::map<std::string, std::string> parameters;  ///< of the route: `{id}` → value, decoded
    std::vector<std::pair<std::string, std::string>> query;    ///< decoded, in the order sent
    std::vector<std::pair<std::string, std::string>> headers;  ///< in the order sent

    /// The header's value, or an empty text. Names are compared without case.
    std::string_view header(std::string_view name) const;
    /// Name and port by which the client knows the server.
    std::string_view host() const { return forwarded_host.empty() ? header("Host") : forwarded_host; }
    /// The first query parameter of this name, or an empty text.
    std::string_view query_value(std::string_view name) const;
};

/// A body that is made while it is being sent, piece by piece. Io thread only.
class BodySource {
public:
    virtual ~BodySource() = default;
    /// The next piece, or nothing at the end. Throws when the rest cannot be made: the connection is then cut off, so
    /// that nobody takes the part for the whole. A client that is gone shows only when a piece is written.
    virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
};

/// An answer. The server adds Date, Content-Length, X-Request-Id and the security headers.
struct HttpResponse {
    unsigned status = 200;
    std::string content_type;
    std::string body;
    /// Sent in place of `body` without a copy: bytes that live as long as the program, such as embedded files.
    std::string_view static_body;
    /// Sent in place of both, in chunks.
    std::shared_ptr<BodySource> stream;
    std::optional<std::uint64_t> stream_bytes;  ///< how long `stream` is, when that is known; then no chunks
    std::string cache_control = "no-store";
    /// Additional ones. A Location that begins with `/` gets the prefix.
    std::vector<std::pair<std::string, std::string>> headers;

    std::string_view content() const { return static_body.empty() ? std::string_view(body) : static_body; }
};

}  // namespace quicksilver
