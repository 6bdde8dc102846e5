#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace quicksilver {

/// Checksums of a piece of a file, in hexadecimal.
struct FileDigest {
    std::string sha256, md5;
};
Result<FileDigest> digest_file(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t length);

}  // namespace quicksilver
