#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcsequen.h>

namespace quicksilver::dicom {

std::vector<DcmElement*> elements_of(DcmItem& item) {
    std::vector<DcmElement*> elements;
    DcmObject* object = nullptr;
    while ((object = item.nextInContainer(object)) != nullptr) elements.push_back(static_cast<DcmElement*>(object));
    return elements;
}

std::vector<DcmItem*> items_of(DcmElement& element) {
    std::vector<DcmItem*> items;
    if (element.ident() != EVR_SQ) return items;
    auto& sequence = static_cast<DcmSequenceOfItems&>(element);
    DcmObject* object = nullptr;
    while ((object = sequence.nextInContainer(object)) != nullptr) items.push_back(static_cast<DcmItem*>(object));
    return items;
}

}  // namespace quicksilver::dicom
