#include "pixel_tail.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <array>
#include <cstring>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver::dicom {

namespace {

constexpr std::uint32_t undefined_length = 0xffffffff;
constexpr std::size_t explicit_header = 12;
constexpr std::size_t implicit_header = 8;

std::uint32_t little_endian_32(const unsigned char* bytes) {
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8U |
           static_cast<std::uint32_t>(bytes[2]) << 16U | static_cast<std::uint32_t>(bytes[3]) << 24U;
}

/// Whether DCMTK has the pixel data as it lies in the file, in a transfer syntax whose bytes are those of the file.
DcmElement* unread_pixel_data(DcmDataset& data_set) {
    const DcmXfer syntax(data_set.getOriginalXfer());
    if (!syntax.isLittleEndian() || syntax.getStreamCompression() != ESC_none ||
        data_set.getCurrentXfer() != data_set.getOriginalXfer() || data_set.card() == 0) {
        return nullptr;
    }
    // The length of its group would have to be counted anew.
    if (data_set.tagExists(DcmTagKey(DCM_PixelData.getGroup(), 0))) return nullptr;
    DcmElement* last = data_set.getElement(data_set.card() - 1);
    if (last == nullptr || last->getTag() != DCM_PixelData) return nullptr;
    return syntax.isEncapsulated() || !last->valueLoaded() ? last : nullptr;
}

}  // namespace

std::optional<PixelTail> find_pixel_tail(DcmDataset& data_set, int descriptor) {
    DcmElement* pixels = unread_pixel_data(data_set);
    struct stat status {};
    if (pixels == nullptr || ::fstat(descriptor, &status) != 0) return std::nullopt;
    const DcmXfer syntax(data_set.getOriginalXfer());
    const std::uint64_t bytes = pixels->calcElementLength(syntax.getXfer(), EET_ExplicitLength);
    const std::size_t header_bytes = syntax.isExplicitVR() ? explicit_header : implicit_header;
    const auto file_bytes = static_cast<std::uint64_t>(status.st_size);
    if (bytes == undefined_length || bytes <= header_bytes || bytes > file_bytes) return std::nullopt;
    const PixelTail tail{file_bytes - bytes, bytes};

    // If the element begins where it would have to, nothing is between it and the end of the file.
    std::array<unsigned char, explicit_header> head{};
    if (::pread(descriptor, head.data(), header_bytes, static_cast<off_t>(tail.offset)) !=
        static_cast<ssize_t>(header_bytes)) {
        return std::nullopt;
    }
    constexpr std::array<unsigned char, 4> tag = {0xe0, 0x7f, 0x10, 0x00};
    if (std::memcmp(head.data(), tag.data(), tag.size()) != 0) return std::nullopt;
    if (syntax.isExplicitVR()) {
        const std::string_view vr(reinterpret_cast<const char*>(head.data()) + tag.size(), 2);
        // Some writers call fragments OW, which DCMTK mends.
        const bool is_right = vr == "OB" || (vr == "OW" && !syntax.isEncapsulated());
        if (!is_right || head[6] != 0 || head[7] != 0) return std::nullopt;
    }
    const std::uint32_t length = little_endian_32(head.data() + header_bytes - 4);
    const bool is_same = syntax.isEncapsulated() ? length == undefined_length : length == bytes - header_bytes;
    return is_same ? std::optional(tail) : std::nullopt;
}

}  // namespace quicksilver::dicom
