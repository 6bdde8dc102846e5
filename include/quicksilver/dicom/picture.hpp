#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace quicksilver::dicom {

struct PictureOptions {
    unsigned size = 192;                     ///< pixels of the longer side
    std::optional<unsigned long> frame = 0;  ///< from 0; one beyond the last means the last, nothing the middle one
    bool own_window = true;  ///< the file's window where it has one, else from the lowest to the highest value
};

/// A larger file is not rendered: its pixels alone would take that much memory.
inline constexpr std::uintmax_t picture_file_bytes_max = 256 * 1024 * 1024;

/// A small PNG of an image, whatever its photometric interpretation and compression, as far as the codecs read it.
/// Errors: invalid when the file is no image or cannot be rendered, not_found, io. Any thread; blocks.
Result<std::string> render_png(const std::filesystem::path& file, const PictureOptions& options = {});

}  // namespace quicksilver::dicom
