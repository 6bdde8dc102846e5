#pragma once

#include "quicksilver/http/message.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Answers one request, on the io thread: blocking work goes through run_blocking. May throw: the client gets a 500.
using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(const HttpRequest&)>;

/// What a path leads to.
struct RouteMatch {
    const HttpHandler* handler = nullptr;           ///< none: see `allowed`
    std::map<std::string, std::string> parameters;  ///< decoded
    std::optional<std::uint64_t> piecewise_max;  ///< the handler takes the body piece by piece, at most so many bytes
    std::vector<std::string> allowed;            ///< methods of this path, sorted; empty when no route has the path
};

/// The table of routes. A segment is a literal or a parameter: `/series/{id}`; a last one `{path...}` takes the rest,
/// slashes included. Literals win over parameters, and these over the rest, whatever the order of adding.
class Routes {
public:
    Routes();
    ~Routes();
    Routes(Routes&&) noexcept;
    Routes& operator=(Routes&&) noexcept;

    /// Throws std::invalid_argument for a malformed pattern or a route that exists: both are bugs of the caller.
    /// GET answers HEAD too; OPTIONS is answered by the server.
    void add(const std::string& method, const std::string& pattern, HttpHandler handler);
    /// For bodies too large for memory: the handler is called when the header is there, and gets `HttpRequest::input`.
    void add_piecewise(const std::string& method, const std::string& pattern, std::uint64_t body_bytes_max,
                       HttpHandler handler);

    /// `path` is percent-encoded, as sent.
    RouteMatch find(std::string_view method, std::string_view path) const;

    /// Every route as "GET /series/{id}", sorted.
    std::vector<std::string> list() const;

private:
    struct Node;
    struct Target;
    void add_target(const std::string& method, const std::string& pattern, Target target);

    std::unique_ptr<Node> root_;
    std::vector<std::string> list_;
};

}  // namespace quicksilver
