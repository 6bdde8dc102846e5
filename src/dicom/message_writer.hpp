#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>

#include <span>

namespace quicksilver::dicom {

/// Writes one fragment of a message as a presentation data value of its own (PS3.8 §9.3.5.1).
/// `bytes` is not changed; DCMTK asks for a pointer that could. Its length is even and fits the peer's PDU.
OFCondition write_fragment(T_ASC_Association* association, T_ASC_PresentationContextID context_id, DUL_DATAPDV type,
                           std::span<char> bytes, bool last);

}  // namespace quicksilver::dicom
