#pragma once

#include "quicksilver/core/result.hpp"

#include <string>

namespace quicksilver {

/// One line from stdin; from a terminal without showing it, and twice.
Result<std::string> read_secret(const std::string& prompt);

}  // namespace quicksilver
