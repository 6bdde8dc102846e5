#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

// A namespace of its own, because the HTTP server of the layer above has types of the same names: without it the linker
// would take the one for the other.
inline namespace outbound {

/// Name and value, in the order in which they are sent or came.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// A request body that is produced while it is sent.
struct HttpBodySource {
    /// Fills up to `size` bytes and returns how many; 0 is the end. An error ends the request and is its result.
    std::function<Result<std::size_t>(char* buffer, std::size_t size)> read;
    /// Without it the body is sent in chunks.
    std::optional<std::uint64_t> length;
};

/// How the server's certificate is checked, and who we say we are.
struct HttpTls {
    std::filesystem::path ca;  ///< PEM file of authorities that count instead of the system's; empty = the system's
    std::filesystem::path certificate, key;  ///< of the client, PEM; empty = none
    bool verify = true;
};

struct HttpRequest {
    std::string method = "GET";
    std::string url;  ///< http:// or https://; shown to people without what follows the host
    HttpHeaders headers;
    std::string user, password;  ///< basic authentication, or the keys of `aws_sigv4`
    std::string bearer_token;
    std::string aws_sigv4;              ///< libcurl's CURLOPT_AWS_SIGV4, as "aws:amz:eu-central-1:s3"; empty = none
    std::filesystem::path unix_socket;  ///< connect there instead of to the host
    HttpTls tls;

    std::string body;
    std::optional<HttpBodySource> source;  ///< instead of `body`

    /// Takes the body of a response with status 2xx as it comes; false ends the request with Errc::cancelled. Bodies of
    /// other statuses, and all without a sink, go to HttpResponse::body.
    std::function<bool(std::string_view bytes)> sink;
    std::size_t body_max = 16UL << 20;  ///< bytes in memory; a longer response is an error

    std::chrono::milliseconds connect_timeout{10'000};
    std::chrono::milliseconds idle_timeout{60'000};  ///< nothing moved in either direction; 0 = never
    std::chrono::milliseconds total_timeout{0};      ///< 0 = never
    unsigned redirects_max = 0;

    const StopFlag* stop = nullptr;  ///< looked at at least once a second
};

struct HttpResponse {
    int status = 0;
    HttpHeaders headers;  ///< names in lower case
    std::string body;

    bool is_success() const { return status >= 200 && status < 300; }
    /// The value of the last header of that name (in lower case); "" when there is none.
    std::string header(std::string_view name) const;
};

/// A blocking HTTP client that keeps its connection for the next request. One thread at a time; for the pools.
/// Proxies are taken from the environment (`https_proxy`, `no_proxy` …), as other programs do.
class HttpClient {
public:
    HttpClient();
    ~HttpClient();
    HttpClient(HttpClient&&) noexcept;
    HttpClient& operator=(HttpClient&&) noexcept;

    /// A response of any status is a success. Errors name host and cause, and never hold a secret, nor path or query,
    /// which may be one: Errc::network, refused (certificate), timed_out, cancelled, invalid, io.
    Result<HttpResponse> send(const HttpRequest& request);

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

}  // namespace outbound

/// "pacs.example:8042" of a URL, without user and password; the URL's beginning when it cannot be read.
std::string host_of_url(std::string_view url);

/// Percent-encodes everything but letters, digits and "-._~".
std::string url_encode(std::string_view text);

}  // namespace quicksilver
