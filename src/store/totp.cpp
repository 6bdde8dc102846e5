#include "quicksilver/store/totp.hpp"

#include "quicksilver/core/percent_encoding.hpp"
#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>

namespace quicksilver::totp {

namespace {

constexpr std::int64_t step_s = 30;
constexpr std::int64_t drift = 1;  // steps
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

using Mac = std::array<unsigned char, 20>;

Mac hmac_sha1(std::string_view key, const std::array<unsigned char, 8>& message) {
    Mac mac{};
    unsigned length = 0;
    if (!HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), message.data(), message.size(), mac.data(),
              &length)) {
        throw std::runtime_error("OpenSSL cannot make an HMAC with SHA-1");
    }
    return mac;
}

}  // namespace

std::string code(std::string_view secret, std::uint64_t counter, unsigned digits) {
    std::array<unsigned char, 8> message{};
    for (std::size_t i = message.size(); i-- > 0; counter >>= 8) message.at(i) = static_cast<unsigned char>(counter);
    const Mac mac = hmac_sha1(secret, message);
    // RFC 4226 §5.3: the last half byte says where the 31 bits lie.
    const std::size_t at = mac.back() & 0x0F;
    const std::uint32_t bits = (static_cast<std::uint32_t>(mac.at(at) & 0x7F) << 24) |
                               (static_cast<std::uint32_t>(mac.at(at + 1)) << 16) |
                               (static_cast<std::uint32_t>(mac.at(at + 2)) << 8) | mac.at(at + 3);
    std::uint32_t modulus = 1;
    for (unsigned i = 0; i < digits; ++i) modulus *= 10;
    return fmt::format("{:0{}}", bits % modulus, digits);
}

std::optional<std::int64_t> matching_step(std::string_view secret, std::string_view typed, WallTime now,
                                          std::int64_t last_used) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::int64_t present = seconds / step_s;
    std::optional<std::int64_t> found;
    for (std::int64_t step = std::max<std::int64_t>(0, present - drift); step <= present + drift; ++step) {
        const bool matches = secrets::equal(code(secret, static_cast<std::uint64_t>(step)), typed);
        if (matches && step > last_used && !found) found = step;
    }
    return found;
}

std::string to_base32(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char byte : bytes) {
        bits = ((bits << 8) | static_cast<unsigned char>(byte)) & 0xFFFF;
        for (count += 8; count >= 5; count -= 5) text += alphabet[(bits >> (count - 5)) & 0x1F];
    }
    if (count > 0) text += alphabet[(bits << (5 - count)) & 0x1F];
    return text;
}

std::optional<std::string> from_base32(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char letter : text) {
        const std::size_t value = alphabet.find(letter);
        if (value == std::string_view::npos) return std::nullopt;
        bits = ((bits << 5) | static_cast<std::uint32_t>(value)) & 0xFFFF;
        count += 5;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>((bits >> count) & 0xFF);
    }
    return bytes;
}

std::string otpauth_uri(std::string_view issuer, std::string_view account, std::string_view base32_secret) {
    const std::string by = percent_encode(issuer);
    return fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm=SHA1&digits=6&period=30", by,
                       percent_encode(account), base32_secret, by);
}

}  // namespace quicksilver::totp
