#pragma once

#include <string_view>

namespace quicksilver {

/// Whether this unique identifier may name a file or folder: 1–64 letters, digits, `.`, `-`, `_`, not beginning with a
/// point. Wider than PS3.5 §9.1, because devices send leading zeros and letters, and no image is refused for that.
bool is_file_safe_uid(std::string_view uid);

}  // namespace quicksilver
