#pragma once

#include "quicksilver/core/result.hpp"

#include <string_view>

namespace quicksilver {

/// Refuses what is too short (12 characters), too long (128) or soon guessed; the error tells how to do better. Pure.
Result<void> check_password(std::string_view password, std::string_view username);

/// The binary logarithm of the guesses that a list of common words, years, keys side by side, sequences and repetitions
/// needs until it comes to this password.
double guess_bits(std::string_view password, std::string_view username);

}  // namespace quicksilver
