#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>

namespace quicksilver {

/// The server's certificate and key for TLS 1.2 and later. Null when the configuration names neither.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(const HttpConfig& config);

}  // namespace quicksilver
