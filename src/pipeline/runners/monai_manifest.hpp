#pragma once

#include "quicksilver/core/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// The file of an image that makes it a MONAI application package.
inline constexpr const char* monai_manifest_path = "/etc/monai/app.json";

/// The command of an app manifest: its `command`, which is a command line, or a list of words, also one in a string.
Result<std::vector<std::string>> parse_monai_command(std::string_view manifest);

/// The content of the first regular file in a tar.
std::optional<std::string> first_file_of_tar(std::string_view tar);

}  // namespace quicksilver
