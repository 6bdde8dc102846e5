#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdint>
#include <optional>

namespace quicksilver::dicom {

/// The last bytes of a file: its pixel data, element and value.
struct PixelTail {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// Where the pixel data lies in the file that `data_set` was loaded from, if it is the last element there and DCMTK
/// would write the same bytes again. Nothing in all other cases. The descriptor is that of the file.
std::optional<PixelTail> find_pixel_tail(DcmDataset& data_set, int descriptor);

}  // namespace quicksilver::dicom
