#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <string>

namespace quicksilver::dicom {

/// The numeric address at the other end, an IPv4 one in its own form; "unknown" when it has gone.
std::string peer_address(const boost::asio::ip::tcp::socket& socket);

}  // namespace quicksilver::dicom
