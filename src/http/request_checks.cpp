#include "request_checks.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace http = boost::beast::http;

namespace quicksilver {

namespace {

bool is_malformed(const boost::system::error_code& failure) {
    return failure.category() == make_error_code(http::error::bad_method).category() &&
           failure != http::error::end_of_stream && failure != http::error::partial_message;
}

Refusal malformed(std::string detail) {
    Refusal refusal;
    refusal.detail = std::move(detail);
    return refusal;
}

}  // namespace

std::optional<Refusal> refusal_of(const boost::system::error_code& failure, bool has_target) {
    if (!is_malformed(failure)) return std::nullopt;
    Refusal refusal;
    if (failure == http::error::body_limit) {
        refusal.status = 413;
        refusal.code = "body_too_large";
        refusal.detail = "The body is larger than this server takes.";
    } else if (failure == http::error::header_limit || failure == http::error::buffer_overflow) {
        refusal.status = has_target ? 431 : 414;
        refusal.code = has_target ? "header_too_large" : "target_too_long";
        refusal.detail = has_target ? "The headers are larger than this server takes."
                                    : "The request target is longer than this server takes.";
    } else if (failure == http::error::bad_version) {
        refusal.status = 505;
        refusal.code = "version_not_supported";
        refusal.detail = "This server speaks HTTP/1.0 and HTTP/1.1.";
    } else {
        refusal.detail = fmt::format("The request cannot be read: {}.", failure.message());
    }
    return refusal;
}

bool has_folded_line(bool line_begins, std::string_view bytes) {
    if (line_begins && (bytes.starts_with(' ') || bytes.starts_with('\t'))) return true;
    return bytes.find("\n ") != std::string_view::npos || bytes.find("\n\t") != std::string_view::npos;
}

std::optional<Refusal> check_framing(const RequestHeader& header) {
    const auto lengths = header.count(http::field::content_length);
    const auto encodings = header.count(http::field::transfer_encoding);
    if (lengths > 1) return malformed("The request has more than one Content-Length.");
    // Beast takes a list of equal numbers for one.
    const auto length = header[http::field::content_length];
    if (length.find_first_not_of("0123456789") != length.npos) return malformed("The Content-Length is not a number.");
    if (lengths > 0 && encodings > 0) return malformed("The request has both Content-Length and Transfer-Encoding.");
    if (encodings > 1 ||
        (encodings == 1 && !boost::beast::iequals(header[http::field::transfer_encoding], "chunked"))) {
        return malformed("The only Transfer-Encoding that this server reads is chunked.");
    }
    if (encodings > 0 && header.version() < 11) return malformed("HTTP/1.0 has no Transfer-Encoding.");
    const auto hosts = header.count(http::field::host);
    if (hosts > 1) return malformed("The request has more than one Host.");
    if (hosts == 0 && header.version() >= 11) return malformed("The request has no Host.");
    return std::nullopt;
}

std::optional<Refusal> check_host(const RequestHeader& header, const RequestTarget& target) {
    const auto host = header[http::field::host];
    const std::string_view sent(host.data(), host.size());
    // HTTP/1.0 may come without a name; a browser never does.
    if (sent.empty() && target.authority.empty()) return std::nullopt;
    const bool host_is_ours = sent.empty() || names_loopback(sent);
    const bool authority_is_ours = target.authority.empty() || names_loopback(target.authority);
    if (host_is_ours && authority_is_ours) return std::nullopt;
    Refusal refusal;
    refusal.status = 421;
    refusal.code = "misdirected_request";
    refusal.detail =
        "This server is bound to this machine alone and answers to the names localhost, 127.0.0.1 and [::1]. "
        "A reverse proxy must send one of them as Host.";
    refusal.keeps_connection = true;
    return refusal;
}

std::optional<std::string> usable_request_id(const RequestHeader& header) {
    const auto sent = header["X-Request-Id"];
    const auto is_plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
               c == '.';
    };
    if (sent.empty() || sent.size() > 64 || !std::all_of(sent.begin(), sent.end(), is_plain)) return std::nullopt;
    return std::string(sent.data(), sent.size());
}

}  // namespace quicksilver
