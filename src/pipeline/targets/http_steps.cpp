#include "http_steps.hpp"

#include "network_test.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace quicksilver {

namespace {

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
    std::string result(text);
    curl_free(text);
    return result;
}

struct OpenDescriptor {
    int descriptor;
    explicit OpenDescriptor(int opened) : descriptor(opened) {}
    OpenDescriptor(const OpenDescriptor&) = delete;
    OpenDescriptor& operator=(const OpenDescriptor&) = delete;
    ~OpenDescriptor() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

}  // namespace

std::string UrlParts::authority() const {
    return has_port ? fmt::format("{}:{}", host, port) : host;
}

Result<UrlParts> split_url(const std::string& url) {
    const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
    UrlParts parts;
    const bool valid = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK;
    if (valid) parts.scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    if (parts.scheme != "http" && parts.scheme != "https") {
        return Error{Errc::invalid, "its address is no http:// or https:// URL"};
    }
    parts.host = part_of(parsed.get(), CURLUPART_HOST);
    parts.path = part_of(parsed.get(), CURLUPART_PATH);
    while (parts.path.ends_with('/')) parts.path.pop_back();
    const std::string port = part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
    std::from_chars(port.data(), port.data() + port.size(), parts.port);
    parts.has_port = parts.port != (parts.scheme == "https" ? 443 : 80);
    return parts;
}

bool test_http_server(TargetTest& test, const UrlParts& url, const std::filesystem::path& ca) {
    // libcurl has brackets around IPv6 addresses, the resolver has not.
    const bool is_v6 = url.host.starts_with('[');
    test_connection(test, is_v6 ? url.host.substr(1, url.host.size() - 2) : url.host, url.port);
    if (url.scheme != "https") return test.ok();
    const auto shake_hands = [&]() -> Result<std::string> {
        HttpRequest request;
        request.method = "HEAD";
        request.url = url.origin() + "/";
        request.tls.ca = ca;
        request.stop = &test.stop();
        const auto response = HttpClient().send(request);
        if (!response) return response.error();
        return fmt::format("the certificate of {} is good", url.host);
    };
    return test.step(
        "tls", shake_hands,
        "check the name in the address, and `ca_cert` if its certificate is signed by an authority of your own");
}

Error status_error(const std::string& doing, const HttpResponse& response) {
    const int status = response.status;
    const auto error = [&](Errc code, const char* meaning) {
        return Error{code, fmt::format("{}: HTTP status {} ({})", doing, status, meaning)};
    };
    switch (status) {
        case 401:
            return error(Errc::refused, "not signed in");
        case 403:
            return error(Errc::refused, "not allowed");
        case 404:
            return error(Errc::refused, "not found");
        case 408:
        case 429:
            return error(Errc::busy, "too many requests");
        case 413:
            return error(Errc::refused, "request too large");
        case 502:
        case 503:
        case 504:
            return error(Errc::busy, "not available now");
        case 507:
            return error(Errc::busy, "its disk is full");
        default:
            break;
    }
    if (status >= 500) return error(Errc::busy, "an error of the server");
    return error(Errc::refused, status >= 300 && status < 400 ? "a redirection" : "the request was refused");
}

std::string http_hint(const Error& error) {
    const auto says = [&error](const char* text) { return error.message.find(text) != std::string::npos; };
    if (says("status 401")) return "check user and password, or the token";
    if (says("status 403")) return "the server knows who we are and does not let us; ask for the right";
    if (says("status 404")) return "check the address and its path";
    if (says("status 413")) return "the server, or a proxy before it, limits the size of requests; make them smaller";
    if (says("redirection")) return "use the address that the server redirects to";
    if (error.code == Errc::timed_out) return "the server is overloaded, or something between drops the connection";
    if (error.code == Errc::busy) return "the server or the proxy before it has a problem; its log says more";
    return "";
}

Result<HttpBodySource> file_source(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t length) {
    const auto opened = std::make_shared<OpenDescriptor>(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const auto failed = [file] {
        return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno))};
    };
    if (opened->descriptor < 0) return failed();
    HttpBodySource source;
    source.length = length;
    source.read = [opened, failed, at = offset, end = offset + length](
                      char* buffer, std::size_t size) mutable -> Result<std::size_t> {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, end - at));
        if (wanted == 0) return std::size_t{0};
        const ssize_t got = ::pread(opened->descriptor, buffer, wanted, static_cast<off_t>(at));
        if (got < 0) return failed();
        at += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
    };
    return source;
}

}  // namespace quicksilver
