#pragma once

#include "text_decoder.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcitem.h>
#include <dcmtk/dcmdata/dctagkey.h>

namespace quicksilver::dicom {

/// The value of one element of `item` as rules see it (contract §2): "" when it is absent, empty, a sequence or too
/// long; values joined by `\`; CR as `;`, LF as a blank, `"` as `'`; valid UTF-8.
TextDecoder::Text element_text(DcmItem& item, const DcmTagKey& key, const TextDecoder& decoder);

/// As above, as the bytes that stand in the file.
std::string element_bytes(DcmItem& item, const DcmTagKey& key);

}  // namespace quicksilver::dicom
