#include "peer_address.hpp"

#include <fmt/format.h>

#include <charconv>

namespace quicksilver {

Result<PeerAddress> parse_peer_address(const std::string& text) {
    const auto wrong = [&text] {
        return Error{Errc::invalid,
                     fmt::format("'{}' is not HOST:PORT, for example 192.0.2.7:104 or [2001:db8::7]:104", text)};
    };
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return wrong();
    PeerAddress address;
    address.host = text.substr(0, colon);
    if (address.host.front() == '[' && address.host.back() == ']' && address.host.size() > 2) {
        address.host = address.host.substr(1, address.host.size() - 2);
    } else if (address.host.find(':') != std::string::npos) {
        return wrong();
    }
    const char* begin = text.data() + colon + 1;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(begin, end, address.port);
    if (error != std::errc() || stop != end || address.port == 0) return wrong();
    return address;
}

}  // namespace quicksilver
