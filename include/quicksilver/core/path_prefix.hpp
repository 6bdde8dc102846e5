#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

/// The path below which a reverse proxy shows the server, without the `/` at its end: "/a/b/" is "/a/b", "/" and ""
/// are "". Nothing for what is no such path. It ends up in headers and pages, so only letters, digits and `-._~` count.
std::optional<std::string> parse_path_prefix(std::string_view text);

}  // namespace quicksilver
