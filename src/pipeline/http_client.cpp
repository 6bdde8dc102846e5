#include "quicksilver/pipeline/http_client.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <mutex>
#include <sys/un.h>

namespace quicksilver {

namespace {

using SteadyClock = std::chrono::steady_clock;

void initialise_once() {
    static std::once_flag done;
    std::call_once(done, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

/// What ended a transfer that libcurl only knows as "aborted by callback".
enum class Ending { none, stopped, idle, sink, source, too_long };

/// One request in flight: what libcurl's callbacks need.
struct Transfer {
    const HttpRequest& request;
    CURL* curl = nullptr;
    HttpResponse response{};
    Ending ending = Ending::none;
    Error source_error{};
    std::uint64_t moved = 0;  // bytes in both directions, to see whether anything moves
    SteadyClock::time_point moved_at = SteadyClock::now();
};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string_view trimmed(std::string_view text) {
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* user) {
    HttpHeaders& headers = static_cast<Transfer*>(user)->response.headers;
    const std::string_view line(bytes, count);
    // Another status line: what came before was "100 Continue", a redirect, or a proxy's answer.
    if (line.starts_with("HTTP/")) headers.clear();
    if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        headers.emplace_back(lower(trimmed(line.substr(0, colon))), trimmed(line.substr(colon + 1)));
    }
    return count;
}

std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* user) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    long status = 0;
    curl_easy_getinfo(transfer.curl, CURLINFO_RESPONSE_CODE, &status);
    if (transfer.request.sink && status >= 200 && status < 300) {
        if (transfer.request.sink(std::string_view(bytes, count))) return count;
        transfer.ending = Ending::sink;
        return 0;
    }
    if (transfer.response.body.size() + count > transfer.request.body_max) {
        transfer.ending = Ending::too_long;
        return 0;
    }
    transfer.response.body.append(bytes, count);
    return count;
}

std::size_t on_read(char* buffer, std::size_t, std::size_t count, void* user) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    auto bytes = transfer.request.source->read(buffer, count);
    if (bytes) return *bytes;
    transfer.ending = Ending::source;
    transfer.source_error = std::move(bytes).error();
    return CURL_READFUNC_ABORT;
}

/// libcurl calls this at least once a second, also while nothing moves.
int on_progress(void* user, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    if (transfer.request.stop != nullptr && *transfer.request.stop) {
        transfer.ending = Ending::stopped;
        return 1;
    }
    const auto now = SteadyClock::now();
    const auto moved = static_cast<std::uint64_t>(received) + static_cast<std::uint64_t>(sent);
    if (moved != transfer.moved) {
        transfer.moved = moved;
        transfer.moved_at = now;
    }
    const auto limit = transfer.request.idle_timeout;
    if (limit.count() > 0 && now - transfer.moved_at > limit) {
        transfer.ending = Ending::idle;
        return 1;
    }
    return 0;
}

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<void> check(const HttpRequest& request) {
    const std::string host = host_of_url(request.url);
    if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
        return Error{Errc::invalid, fmt::format("'{}' is no address that begins with http:// or https://", host)};
    }
    if (!is_one_line(request.url) || !is_one_line(request.method) || !is_one_line(request.bearer_token)) {
        return Error{Errc::invalid, fmt::format("request to {}: address or token has a line break", host)};
    }
    for (const auto& [name, value] : request.headers) {
        if (name.empty() || !is_one_line(name) || !is_one_line(value) || name.find(':') != std::string::npos) {
            return Error{Errc::invalid, fmt::format("request to {}: a header has a character that it must not", host)};
        }
    }
    if (request.unix_socket.native().size() >= sizeof(sockaddr_un::sun_path)) {
        return Error{Errc::invalid, fmt::format("the path of the socket {} is too long: at most {} characters",
                                                request.unix_socket.string(), sizeof(sockaddr_un::sun_path) - 1)};
    }
    return {};
}

HeaderList make_headers(const HttpRequest& request) {
    curl_slist* list = nullptr;
    bool has_type = false;
    bool has_expect = false;
    for (const auto& [name, value] : request.headers) {
        has_type = has_type || lower(name) == "content-type";
        has_expect = has_expect || lower(name) == "expect";
        // libcurl takes "Name:" for "leave it out", and "Name;" for an empty one.
        list = curl_slist_append(list, (value.empty() ? name + ";" : name + ": " + value).c_str());
    }
    // libcurl would call every body a form, and wait a second for servers that do not know "100 Continue".
    if (!has_type) list = curl_slist_append(list, "Content-Type:");
    if (!has_expect) list = curl_slist_append(list, "Expect:");
    return HeaderList(list);
}

template <class Value>
void set(CURL* curl, CURLoption option, Value value) {
    curl_easy_setopt(curl, option, value);
}

void set_text(CURL* curl, CURLoption option, const std::string& text) {
    if (!text.empty()) set(curl, option, text.c_str());
}

void set_body(CURL* curl, const HttpRequest& request) {
    if (request.source) {
        set(curl, CURLOPT_UPLOAD, 1L);
        set(curl, CURLOPT_READFUNCTION, &on_read);
        const auto length = request.source->length;
        set(curl, CURLOPT_INFILESIZE_LARGE, length ? static_cast<curl_off_t>(*length) : curl_off_t{-1});
        // On a kept connection that the server has closed meanwhile, the body would have to be sent a second time.
        set(curl, CURLOPT_FRESH_CONNECT, 1L);
    } else if (request.method == "HEAD") {
        set(curl, CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
        set(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(curl, CURLOPT_POSTFIELDS, request.body.c_str());
    }
    if (request.method != "HEAD") set(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void set_identity(CURL* curl, const HttpRequest& request) {
    if (!request.bearer_token.empty()) {
        set(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BEARER));
        set(curl, CURLOPT_XOAUTH2_BEARER, request.bearer_token.c_str());
    } else if (!request.user.empty()) {
        set(curl, CURLOPT_USERNAME, request.user.c_str());
        set(curl, CURLOPT_PASSWORD, request.password.c_str());
        if (request.aws_sigv4.empty()) set(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
        set_text(curl, CURLOPT_AWS_SIGV4, request.aws_sigv4);
    }
    set_text(curl, CURLOPT_SSLCERT, request.tls.certificate.string());
    set_text(curl, CURLOPT_SSLKEY, request.tls.key.string());
    set_text(curl, CURLOPT_CAINFO, request.tls.ca.string());
    if (!request.tls.verify) {
        set(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        set(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void set_limits(CURL* curl, const HttpRequest& request) {
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_FOLLOWLOCATION, request.redirects_max > 0 ? 1L : 0L);
    set(curl, CURLOPT_MAXREDIRS, static_cast<long>(request.redirects_max));
    set(curl, CURLOPT_CONNECTTIMEOUT_MS, long{request.connect_timeout.count()});
    set(curl, CURLOPT_TIMEOUT_MS, long{request.total_timeout.count()});
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name look-up that nobody wants any more
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    if (!request.unix_socket.empty()) {
        set(curl, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
        set(curl, CURLOPT_PROXY, "");
    }
}

/// What a person should do about it, by what libcurl found.
Error explain(CURLcode code, const std::string& detail, const Transfer& transfer) {
    const HttpRequest& request = transfer.request;
    const std::string host = request.unix_socket.empty() ? host_of_url(request.url) : request.unix_socket.string();
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
            return Error{Errc::network, fmt::format("the name of {} cannot be resolved ({}): check its spelling, and "
                                                    "the name server of this machine",
                                                    host, detail)};
        case CURLE_COULDNT_CONNECT:
            return Error{Errc::network,
                         fmt::format("cannot connect to {} ({}): check that it runs, and the address", host, detail)};
        case CURLE_OPERATION_TIMEDOUT:
            return Error{Errc::timed_out, fmt::format("{} did not answer in time ({})", host, detail)};
        case CURLE_PEER_FAILED_VERIFICATION:
            return Error{Errc::refused, fmt::format("the certificate of {} cannot be trusted ({}): name the file of "
                                                    "its authority, or mend the certificate",
                                                    host, detail)};
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
            return Error{Errc::invalid,
                         fmt::format("request to {}: a certificate or key file cannot be used ({})", host, detail)};
        case CURLE_TOO_MANY_REDIRECTS:
            return Error{Errc::refused, fmt::format("{} redirects again and again: check the address", host)};
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return Error{Errc::invalid, fmt::format("'{}' is no usable address ({})", host, detail)};
        case CURLE_OUT_OF_MEMORY:
            return Error{Errc::io, "out of memory"};
        default:
            return Error{Errc::network, fmt::format("the connection to {} failed ({})", host, detail)};
    }
}

Error explain_ending(Transfer& transfer) {
    const HttpRequest& request = transfer.request;
    const std::string host = request.unix_socket.empty() ? host_of_url(request.url) : request.unix_socket.string();
    switch (transfer.ending) {
        case Ending::idle: {
            const double seconds = std::chrono::duration<double>(request.idle_timeout).count();
            return Error{Errc::timed_out, fmt::format("{} has been silent for {} s", host, seconds)};
        }
        case Ending::too_long:
            return Error{Errc::io,
                         fmt::format("the answer of {} is longer than {} bytes", host, transfer.request.body_max)};
        case Ending::source:
            return std::move(transfer.source_error);
        default:
            return Error{Errc::cancelled, fmt::format("stopped while talking to {}", host)};
    }
}

}  // namespace

struct HttpClient::Handle {
    CURL* curl = nullptr;

    Handle() {
        initialise_once();
        curl = curl_easy_init();
    }
    ~Handle() { curl_easy_cleanup(curl); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
};

HttpClient::HttpClient() : handle_(std::make_unique<Handle>()) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
    if (auto usable = check(request); !usable) return usable.error();
    CURL* curl = handle_->curl;
    if (curl == nullptr) return Error{Errc::io, "out of memory"};
    curl_easy_reset(curl);  // all options; connections stay

    Transfer transfer{request, curl};
    char detail[CURL_ERROR_SIZE] = {};
    const HeaderList headers = make_headers(request);
    set(curl, CURLOPT_URL, request.url.c_str());
    set(curl, CURLOPT_ERRORBUFFER, static_cast<char*>(detail));
    set(curl, CURLOPT_HTTPHEADER, headers.get());
    set(curl, CURLOPT_HEADERFUNCTION, &on_header);
    set(curl, CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(curl, CURLOPT_WRITEFUNCTION, &on_body);
    set(curl, CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(curl, CURLOPT_READDATA, static_cast<void*>(&transfer));
    set(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    set(curl, CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    set_limits(curl, request);
    set_identity(curl, request);
    set_body(curl, request);

    const CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    if (transfer.ending != Ending::none) return explain_ending(transfer);
    if (code != CURLE_OK) return explain(code, *detail != '\0' ? detail : curl_easy_strerror(code), transfer);
    transfer.response.status = static_cast<int>(status);
    return std::move(transfer.response);
}

std::string HttpResponse::header(std::string_view name) const {
    for (auto header = headers.rbegin(); header != headers.rend(); ++header) {
        if (header->first == name) return header->second;
    }
    return "";
}

std::string host_of_url(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (const auto user = url.rfind('@'); user != std::string_view::npos) url.remove_prefix(user + 1);
    return std::string(url);
}

std::string url_encode(std::string_view text) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("-._~").find(c) != std::string_view::npos;
        if (plain) {
            encoded += c;
        } else {
            encoded += {'%', hex[byte >> 4], hex[byte & 15U]};
        }
    }
    return encoded;
}

}  // namespace quicksilver
