#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcelem.h>
#include <dcmtk/dcmdata/dcitem.h>

#include <vector>

namespace quicksilver::dicom {

/// The elements of an item as they are now, so that they may be removed one by one.
std::vector<DcmElement*> elements_of(DcmItem& item);
/// The items of a sequence; none for any other element.
std::vector<DcmItem*> items_of(DcmElement& element);

}  // namespace quicksilver::dicom
