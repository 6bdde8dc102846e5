#include "private_attributes.hpp"

#include "element_text.hpp"
#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

namespace quicksilver::dicom {

namespace {

bool is_creator(const DcmElement& element) {
    return element.getETag() >= 0x10 && element.getETag() <= 0xff;
}

Uint16 block_of(const DcmElement& element) {
    return static_cast<Uint16>(element.getETag() >> 8U);
}

}  // namespace

PrivateAttributes::PrivateAttributes(DcmDataset& data_set, const DeidentificationOptions& options) : options_(options) {
    if (options.profile.retain_safe_private) read_declarations(data_set);
}

void PrivateAttributes::read_declarations(DcmDataset& data_set) {
    DcmElement* declarations = nullptr;
    if (data_set.findAndGetElement(DCM_PrivateDataElementCharacteristicsSequence, declarations).bad()) return;
    for (DcmItem* item : items_of(*declarations)) {
        Uint16 group = 0;
        if (item->findAndGetUint16(DCM_PrivateGroupReference, group).bad()) continue;
        const std::pair block(group, element_bytes(*item, DCM_PrivateCreatorReference));
        if (element_bytes(*item, DCM_BlockIdentifyingInformationStatus) == "SAFE") safe_blocks_.insert(block);
        Uint16 element = 0;
        for (unsigned long at = 0; item->findAndGetUint16(DCM_NonidentifyingPrivateElements, element, at).good();
             ++at) {
            safe_elements_.insert({block, static_cast<Uint8>(element & 0xff)});
        }
    }
}

bool PrivateAttributes::is_safe(const std::string& creator, Uint16 group, Uint8 element) const {
    if (!options_.profile.retain_safe_private || creator.empty()) return false;
    const std::pair block(group, creator);
    if (safe_blocks_.contains(block) || safe_elements_.contains({block, element})) return true;
    if (options_.safe_private_creators.contains(creator)) return true;
    return is_safe_private(creator, group, element);
}

void PrivateAttributes::remove_unsafe(DcmItem& item) const {
    std::set<std::pair<Uint16, Uint16>> used;  // group and block
    const auto elements = elements_of(item);
    for (DcmElement* element : elements) {
        if (!element->getTag().isPrivate() || is_creator(*element)) continue;
        const Uint16 group = element->getGTag();
        const Uint16 block = block_of(*element);
        std::string creator = element_bytes(item, DcmTagKey(group, block));
        while (!creator.empty() && creator.back() == ' ') creator.pop_back();
        if (is_safe(creator, group, static_cast<Uint8>(element->getETag() & 0xff))) {
            used.insert({group, block});
        } else {
            delete item.remove(element);
        }
    }
    for (DcmElement* element : elements_of(item)) {
        if (!element->getTag().isPrivate() || !is_creator(*element)) continue;
        if (!used.contains({element->getGTag(), element->getETag()})) delete item.remove(element);
    }
}

}  // namespace quicksilver::dicom
