#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quicksilver {

/// What one client may cost. At a limit the client gets an answer that says so, and the connection is closed.
struct HttpLimits {
    std::uint32_t header_bytes = 16 * 1024;  ///< request line and headers; beyond: 414 or 431
    std::uint64_t body_bytes = 1024 * 1024;  ///< beyond: 413
    std::size_t connections = 512;           ///< beyond: 503
    std::size_t connections_per_address = 256;
    std::size_t refusals = 32;                  ///< connections over the limit that still get their 503; beyond: closed
    std::chrono::milliseconds request{10'000};  ///< from the first byte to the last, and TLS handshakes; then 408
    std::chrono::milliseconds idle{60'000};     ///< between two requests of a connection; then it is closed
    std::chrono::milliseconds write{30'000};    ///< for one answer; then it is closed
    std::chrono::milliseconds linger{2'000};    ///< to let the client read an answer that ends the connection
};

}  // namespace quicksilver
