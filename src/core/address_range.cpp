#include "quicksilver/core/address_range.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace quicksilver {

namespace {

using Bytes = std::array<unsigned char, 16>;

constexpr Bytes mapped_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 96;
constexpr std::size_t text_max = INET6_ADDRSTRLEN;

/// IPv4 as ::ffff:a.b.c.d, so that there is one kind to compare.
std::optional<Bytes> read_address(std::string_view text) {
    if (text.empty() || text.size() > text_max || text.find('\0') != text.npos) return std::nullopt;
    const std::string terminated(text);
    Bytes bytes{};
    if (::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return bytes;
    bytes = mapped_prefix;
    if (::inet_pton(AF_INET, terminated.c_str(), bytes.data() + mapped_bits / 8) == 1) return bytes;
    return std::nullopt;
}

bool is_ipv4(const Bytes& bytes) {
    return std::equal(bytes.begin(), bytes.begin() + mapped_bits / 8, mapped_prefix.begin());
}

std::string to_text(const Bytes& bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4(bytes)) {
        ::inet_ntop(AF_INET, bytes.data() + mapped_bits / 8, text.data(), text.size());
    } else {
        ::inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
    }
    return text.data();
}

Bytes first_bits(Bytes bytes, unsigned bits) {
    for (unsigned bit = bits; bit < 128; ++bit) {
        bytes[bit / 8] = static_cast<unsigned char>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
    }
    return bytes;
}

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const std::string_view address = text.substr(0, text.find('/'));
    const auto bytes = read_address(address);
    if (!bytes) return std::nullopt;
    AddressRange range;
    if (address.size() < text.size()) {
        const std::string_view number = text.substr(address.size() + 1);
        const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), range.bits_);
        if (failed != std::errc() || end != number.data() + number.size()) return std::nullopt;
        const bool dotted = address.find(':') == std::string_view::npos;
        if (range.bits_ > (dotted ? 32U : 128U)) return std::nullopt;
        if (dotted) range.bits_ += mapped_bits;
    }
    range.network_ = first_bits(*bytes, range.bits_);
    return range;
}

bool AddressRange::contains(std::string_view address) const {
    const auto bytes = read_address(address);
    if (!bytes) return false;
    // Of all IPv6 addresses, ::/0 for example, those of IPv4 are no part.
    if (is_ipv4(*bytes) && bits_ < mapped_bits) return false;
    return first_bits(*bytes, bits_) == network_;
}

std::optional<std::string> plain_address(std::string_view text) {
    const auto bytes = read_address(text);
    if (!bytes) return std::nullopt;
    return to_text(*bytes);
}

std::string client_of_address(std::string_view address) {
    constexpr unsigned network_of_a_client = 64;
    const auto bytes = read_address(address);
    if (!bytes) return std::string(address);
    return to_text(is_ipv4(*bytes) ? *bytes : first_bits(*bytes, network_of_a_client));
}

}  // namespace quicksilver
