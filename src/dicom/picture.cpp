#include "quicksilver/dicom/picture.hpp"

// dipipng.h of DCMTK 3.6.7 needs what dcmimage.h includes, and does not include it itself.
// clang-format off
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmimgle/dcmimage.h>
#include <dcmtk/dcmimage/dipipng.h>
#include <dcmtk/dcmimage/diregist.h>
// clang-format on
#include <dcmtk/dcmdata/dcdatset.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <system_error>

namespace quicksilver::dicom {

namespace {

Error cannot_render(const std::filesystem::path& file, const char* reason) {
    return Error{Errc::invalid, fmt::format("cannot make a picture of {}: {}", file.string(), reason)};
}

/// The one frame that is wanted; decompressing all of a long cine would take minutes.
unsigned long frame_of(DcmDataset& data, const PictureOptions& options) {
    Sint32 frames = 1;
    if (data.findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames < 1) frames = 1;
    const auto count = static_cast<unsigned long>(frames);
    return std::min(options.frame.value_or(count / 2), count - 1);
}

void set_window(DicomImage& image, const PictureOptions& options) {
    if (!image.isMonochrome()) return;
    const bool has_window = options.own_window && image.getWindowCount() > 0;
    if (!(has_window && image.setWindow(0))) image.setMinMaxWindow();
}

/// DCMTK's PNG writer wants a FILE.
std::string write_png(DicomImage& image) {
    char* bytes = nullptr;
    std::size_t size = 0;
    std::FILE* memory = ::open_memstream(&bytes, &size);
    if (!memory) return {};
    DiPNGPlugin png;
    const bool written = image.writePluginFormat(&png, memory, 0) != 0;
    std::fclose(memory);
    std::string picture = written ? std::string(bytes, size) : std::string();
    std::free(bytes);
    return picture;
}

}  // namespace

Result<std::string> render_png(const std::filesystem::path& file, const PictureOptions& options) {
    std::error_code unreadable;
    const std::uintmax_t bytes = std::filesystem::file_size(file, unreadable);
    if (unreadable) {
        return Error{unreadable == std::errc::no_such_file_or_directory ? Errc::not_found : Errc::io,
                     fmt::format("cannot read {}: {}", file.string(), unreadable.message())};
    }
    if (bytes > picture_file_bytes_max) return cannot_render(file, "it is too large");
    DcmFileFormat dicom;
    const OFCondition loaded = dicom.loadFile(file.c_str());
    if (loaded.bad()) return cannot_render(file, loaded.text());
    DcmDataset& data = *dicom.getDataset();
    const unsigned long frame = frame_of(data, options);
    DicomImage image(&dicom, data.getOriginalXfer(), CIF_UsePartialAccessToPixelData, frame, 1);
    if (image.getStatus() != EIS_Normal) return cannot_render(file, DicomImage::getString(image.getStatus()));
    set_window(image, options);

    const unsigned long longer = std::max(image.getWidth(), image.getHeight());
    if (longer == 0) return cannot_render(file, "it has no pixels");
    const auto scaled_side = [&](unsigned long side) {
        return std::max(1UL, side * std::min<unsigned long>(options.size, longer) / longer);
    };
    const std::unique_ptr<DicomImage> small(
        image.createScaledImage(scaled_side(image.getWidth()), scaled_side(image.getHeight()), 1, 0));
    if (!small || small->getStatus() != EIS_Normal) return cannot_render(file, "it cannot be scaled");
    // The scaled copy has forgotten the window that was computed.
    set_window(*small, options);
    std::string picture = write_png(*small);
    if (picture.empty()) return cannot_render(file, "it cannot be written as PNG");
    return picture;
}

}  // namespace quicksilver::dicom
