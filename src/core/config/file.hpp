#pragma once

#include "quicksilver/core/result.hpp"

#include <filesystem>
#include <string>

namespace quicksilver {

/// The text of the file, or why it cannot be read and what to do.
Result<std::string> read_config_file(const std::filesystem::path& file);

}  // namespace quicksilver
