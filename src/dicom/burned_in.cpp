#include "burned_in.hpp"

#include "element_text.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace quicksilver::dicom {

namespace {

/// An overlay in unused bits of the pixels, which cannot be taken out without touching them (PS3.5 §8.1.2).
bool has_overlay_in_pixels(DcmDataset& data_set) {
    for (Uint16 group = 0x6000; group <= 0x601e; group = static_cast<Uint16>(group + 2)) {
        if (data_set.tagExists(DcmTagKey(group, 0x0102)) && !data_set.tagExists(DcmTagKey(group, 0x3000))) return true;
    }
    return false;
}

bool is_screen_shot_class(const std::string& sop_class) {
    return sop_class.starts_with(UID_SecondaryCaptureImageStorage);  // and the multi-frame ones below it
}

/// Devices that write the patient's name into their pictures, and photographs of people.
bool is_telling_modality(const std::string& modality) {
    constexpr std::array<const char*, 9> telling = {"US", "IVUS", "ES", "XC", "OT", "SC", "BI", "EPS", "HC"};
    return std::ranges::find(telling, modality) != telling.end();
}

}  // namespace

std::string burned_in_reason(DcmDataset& data_set) {
    if (!data_set.tagExists(DCM_PixelData)) return {};
    if (has_overlay_in_pixels(data_set)) return "it has an overlay inside its pixels";
    const std::string said = element_bytes(data_set, DCM_BurnedInAnnotation);
    if (said == "YES") return "BurnedInAnnotation is YES";
    if (said == "NO") return {};
    const std::string sop_class = element_bytes(data_set, DCM_SOPClassUID);
    if (is_screen_shot_class(sop_class)) return "it is a secondary capture and does not say BurnedInAnnotation NO";
    const std::string modality = element_bytes(data_set, DCM_Modality);
    if (is_telling_modality(modality)) {
        return fmt::format("it is of modality {} and does not say BurnedInAnnotation NO", modality);
    }
    const std::string type = element_bytes(data_set, DCM_ImageType);
    if (type.find("SCREEN") != std::string::npos || type.find("DOSE_INFO") != std::string::npos) {
        return "its ImageType is that of a picture of a screen";
    }
    return {};
}

}  // namespace quicksilver::dicom
