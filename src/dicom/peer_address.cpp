#include "peer_address.hpp"

namespace quicksilver::dicom {

namespace asio = boost::asio;

std::string peer_address(const asio::ip::tcp::socket& socket) {
    boost::system::error_code ignored;
    const auto endpoint = socket.remote_endpoint(ignored);
    if (ignored) return "unknown";
    const auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

}  // namespace quicksilver::dicom
