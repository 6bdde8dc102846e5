#pragma once

#include "quicksilver/core/clock.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Time-based one-time passwords of RFC 6238 as every authenticator app makes them: SHA-1, 6 digits, 30 seconds. Pure.
namespace quicksilver::totp {

/// Of RFC 4226: `counter` is the number of 30-second steps since 1970.
std::string code(std::string_view secret, std::uint64_t counter, unsigned digits = 6);

/// The step to which a code belongs: now, one before or one after, for clocks that differ; and later than `last_used`,
/// so that a code that somebody saw or kept is worth nothing. Nothing when there is none.
std::optional<std::int64_t> matching_step(std::string_view secret, std::string_view typed, WallTime now,
                                          std::int64_t last_used);

/// RFC 4648 without padding, as apps take a secret that is typed.
std::string to_base32(std::string_view bytes);
/// Nothing when `text` is no base32.
std::optional<std::string> from_base32(std::string_view text);

/// What the QR code holds.
std::string otpauth_uri(std::string_view issuer, std::string_view account, std::string_view base32_secret);

}  // namespace quicksilver::totp
