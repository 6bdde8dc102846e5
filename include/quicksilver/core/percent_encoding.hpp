#pragma once

#include <string>
#include <string_view>

namespace quicksilver {

/// Everything but the unreserved characters of RFC 3986 §2.3 as `%XX`, for one segment of a path or one value.
std::string percent_encode(std::string_view text);

}  // namespace quicksilver
