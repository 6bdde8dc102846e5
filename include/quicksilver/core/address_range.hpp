#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

/// One IP address, or a network such as 10.0.0.0/8. An IPv4 address that is written as IPv6 (::ffff:10.0.0.1) is the
/// IPv4 one. Pure.
class AddressRange {
public:
    static std::optional<AddressRange> parse(std::string_view text);
    /// False for what is no address.
    bool contains(std::string_view address) const;

private:
    std::array<unsigned char, 16> network_{};
    unsigned bits_ = 128;
};

/// The address as it is usually written, or nothing when it is none: "::FFFF:10.0.0.1" is "10.0.0.1".
std::optional<std::string> plain_address(std::string_view text);

/// What one client can be taken for: the address, or of IPv6 the network /64, whose addresses are all one machine's.
std::string client_of_address(std::string_view address);

}  // namespace quicksilver
