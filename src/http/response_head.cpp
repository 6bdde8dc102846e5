#include "response_head.hpp"

#include "quicksilver/http/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

namespace quicksilver {

namespace {

// No Strict-Transport-Security: it holds for every port of a host name, and other plain services may live there.
constexpr std::string_view security_headers =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types svelte-trusted-html quicksilver-worker\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), microphone=(), geolocation=(), usb=()\r\n";

/// RFC 9110 §8.6: such an answer has no body, and no word about its length.
bool has_length(unsigned status) {
    return status >= 200 && status != 204 && status != 304;
}

void append_header(std::string& head, std::string_view name, std::string_view value) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    if (std::any_of(value.begin(), value.end(), is_control)) return;
    fmt::format_to(std::back_inserter(head), "{}: {}\r\n", name, value);
}

}  // namespace

std::string make_response_head(const HttpResponse& response, const ResponseContext& context) {
    std::string head;
    head.reserve(1024);
    fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                   reason_of_status(response.status), context.date);
    if (context.chunked) {
        append_header(head, "Transfer-Encoding", "chunked");
    } else if (response.stream_bytes) {
        append_header(head, "Content-Length", std::to_string(*response.stream_bytes));
    } else if (has_length(response.status) && !response.stream) {
        append_header(head, "Content-Length", std::to_string(response.content().size()));
    }
    if (!response.content_type.empty()) append_header(head, "Content-Type", response.content_type);
    if (!response.cache_control.empty()) append_header(head, "Cache-Control", response.cache_control);
    append_header(head, "X-Request-Id", context.request_id);
    append_header(head, "Connection", context.keep_alive ? "keep-alive" : "close");
    head += security_headers;
    for (const auto& [name, value] : response.headers) append_header(head, name, value);
    head += "\r\n";
    return head;
}

std::string http_date(std::chrono::system_clock::time_point time) {
    // Not strftime: its names of days and months are the locale's.
    static constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", days[static_cast<std::size_t>(utc.tm_wday)],
                       utc.tm_mday, months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                       utc.tm_min, utc.tm_sec);
}

}  // namespace quicksilver
