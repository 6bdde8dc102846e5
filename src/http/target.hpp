#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// The request target of RFC 9112 §3.2 in parts.
struct RequestTarget {
    std::string path;       ///< percent-encoded, begins with `/`; `*` alone for OPTIONS
    std::string authority;  ///< of the absolute form, else empty
    std::vector<std::pair<std::string, std::string>> query;  ///< decoded
};

/// Nothing when the target has no form that a server takes, or an escape in it is broken.
std::optional<RequestTarget> parse_target(std::string_view target);

/// Nothing for a broken escape or one that makes a control character.
std::optional<std::string> percent_decode(std::string_view text);

/// Whether a Host header or authority names this machine itself: localhost, 127.0.0.0/8 or [::1], with any port.
bool names_loopback(std::string_view authority);

}  // namespace quicksilver
