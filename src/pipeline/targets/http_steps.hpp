#pragma once

#include "quicksilver/pipeline/http_client.hpp"
#include "quicksilver/pipeline/targets/target_test.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace quicksilver {

/// What targets over HTTP need of a URL.
struct UrlParts {
    std::string scheme, host, path;  ///< the path without a slash at its end
    std::uint16_t port = 0;
    bool has_port = false;  ///< other than the scheme's

    /// As in the Host header.
    std::string authority() const;
    /// `https://host:8443`
    std::string origin() const { return scheme + "://" + authority(); }
};
/// Errc::invalid for what is no http or https URL; the error does not quote it, because it may hold a password.
Result<UrlParts> split_url(const std::string& url);

/// The steps `dns`, `tcp` and, for https, `tls`. False when one failed.
bool test_http_server(TargetTest& test, const UrlParts& url, const std::filesystem::path& ca);

/// What a status that is no success means for a delivery: busy (try again), refused, or network for a gateway whose
/// server is away. `doing` is the beginning of the message.
Error status_error(const std::string& doing, const HttpResponse& response);
/// What a person can do about it, or "".
std::string http_hint(const Error& error);

/// A part of a file as the body of a request; it is read while it is sent.
Result<HttpBodySource> file_source(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t length);

}  // namespace quicksilver
