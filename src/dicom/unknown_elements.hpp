#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcitem.h>

namespace quicksilver::dicom {

/// Gives elements of the standard that some program has written as UN their value representation back, as far as the
/// data dictionary knows it. Sequences written so stay as they are. Their bytes are little endian (PS3.5 §6.2.2).
void restore_unknown_elements(DcmItem& item);

}  // namespace quicksilver::dicom
