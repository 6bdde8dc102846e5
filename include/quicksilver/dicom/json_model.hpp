#pragma once

#include "quicksilver/core/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace quicksilver::dicom {

/// Values with more bytes than this are left out, as pixel data always is: such an element has its VR alone.
inline constexpr std::uint32_t json_value_bytes_max = 64 * 1024;

/// The data set of a file in the DICOM JSON model (PS3.18 annex F), file meta information aside. Text is valid UTF-8
/// whatever the file says. Errors: not_found, io, invalid when it is no DICOM file. Any thread; blocks.
Result<nlohmann::json> read_json(const std::filesystem::path& file);

}  // namespace quicksilver::dicom
