#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/http/limits.hpp"
#include "quicksilver/http/routes.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace quicksilver {

/// The HTTP/1.1 server: one coroutine a connection, requests of a connection answered in order. Io thread only.
/// HTTPS (TLS 1.2 and later) when the configuration names a certificate and a key.
/// On a loopback address it answers only to localhost, 127.0.0.1 and [::1], so that no foreign page reaches it by DNS
/// rebinding.
class HttpServer {
public:
    HttpServer(boost::asio::any_io_executor executor, HttpConfig config, Routes routes, Log log,
               HttpLimits limits = {});
    ~HttpServer();  ///< after stop()

    /// Begins to accept. The error says what is wrong with address, port or certificate, and what to do.
    Result<void> listen();

    std::uint16_t port() const;  ///< the real one, also when the configuration says 0
    std::string url() const;     ///< to show to a person: http://127.0.0.1:8000/

    /// Takes the certificate of the configuration's files for the next connections, when they have changed since they
    /// were read; true when it has. One that cannot be used is said in the log once, and the old one goes on. The pool
    /// reads the files.
    boost::asio::awaitable<bool> renew_certificate(boost::asio::thread_pool& files);

    /// Takes no more connections, closes the idle ones, lets running requests be answered; what is not done when the
    /// grace is over is cancelled. Returns when no connection is left.
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

    std::size_t connections() const;

private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace quicksilver
