#pragma once

#include "quicksilver/dicom/pseudonyms.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcelem.h>

namespace quicksilver::dicom {

/// Gives the element a value of its kind that says nothing (PS3.15 §E.3, D). UIDs become others. Of a sequence the
/// first item stays, with dummies in it.
void make_dummy(DcmElement& element, const Pseudonyms& pseudonyms);

/// Each UID of the element becomes another, the same for the same.
void replace_uids(DcmElement& element, const Pseudonyms& pseudonyms);

}  // namespace quicksilver::dicom
