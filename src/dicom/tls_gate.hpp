#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace quicksilver::dicom {

/// The encrypted port (PS3.15 §B.9, BCP 195 profile): TLS ends here, and each connection goes on in the clear over a
/// connection within this process, as if its peer had come to the plain port. DCMTK's own TLS would shake hands under
/// the lock of its accept, where one slow peer delays everyone.
/// Io thread only.
class TlsGate {
public:
    /// A connection in the clear, and where its peer really is.
    using Adopt = std::function<void(boost::asio::ip::tcp::socket plain, std::string peer_address)>;
    using Refused = std::function<void(const std::string& peer_address, const std::string& reason)>;

    TlsGate(boost::asio::any_io_executor executor, Log log, std::chrono::milliseconds handshake_timeout,
            std::size_t connections_max, Adopt adopt, Refused refused);

    /// Reads the certificates and takes the port. Errors name the file or the port.
    Result<void> open(const std::string& address, const DicomTlsConfig& settings);
    std::uint16_t port() const;

    /// Accepts until close(). Connections go on until one end closes.
    boost::asio::awaitable<void> run();
    void close();

private:
    boost::asio::awaitable<void> shake_hands_and_adopt(boost::asio::ip::tcp::socket socket);

    boost::asio::any_io_executor executor_;
    Log log_;
    std::chrono::milliseconds handshake_timeout_;
    std::size_t connections_max_;
    Adopt adopt_;
    Refused refused_;
    boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
    boost::asio::ip::tcp::acceptor acceptor_;
    CoroutineGroup handshakes_;
    CoroutineGroup carried_;
};

}  // namespace quicksilver::dicom
