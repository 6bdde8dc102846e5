#pragma once

#include "text_decoder.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dctagkey.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <string_view>

namespace quicksilver::dicom {

/// The value of one element of `item` as rules see it (contract §2): "" when it is absent, empty, a sequence or too
/// long; values joined by `\`; CR as `;`, LF as a blank, `"` as `'`; valid UTF-8.
TextDecoder::Text element_text(DcmItem& item, const DcmTagKey& key, const TextDecoder& decoder);

/// As above, as the bytes that stand in the file.
std::string element_bytes(DcmItem& item, const DcmTagKey& key);

/// What ends a value or a component in texts of that value representation, as TextDecoder wants it.
std::string_view text_delimiters(DcmEVR vr);
/// Whether its values are written in the character set of the data set (PS3.5 §6.1.2.3).
bool has_character_set(DcmEVR vr);

}  // namespace quicksilver::dicom
