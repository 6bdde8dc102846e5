#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <string>

namespace quicksilver {

struct PeerAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// HOST:PORT, with brackets around an IPv6 address.
Result<PeerAddress> parse_peer_address(const std::string& text);

}  // namespace quicksilver
