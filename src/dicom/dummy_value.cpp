#include "dummy_value.hpp"

#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcsequen.h>

#include <array>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

namespace {

/// Null where the value is no text.
const char* dummy_text(DcmEVR vr) {
    switch (vr) {
        case EVR_DA:
            return "19000101";
        case EVR_TM:
            return "000000";
        case EVR_DT:
            return "19000101000000";
        case EVR_AS:
            return "000Y";
        case EVR_UR:
            return "urn:anonymized";
        case EVR_AE:
        case EVR_CS:
        case EVR_SH:
        case EVR_LO:
        case EVR_ST:
        case EVR_LT:
        case EVR_UC:
        case EVR_UT:
        case EVR_PN:
            return "ANONYMIZED";
        case EVR_AT:
            return "(0000,0000)";
        case EVR_DS:
        case EVR_IS:
        case EVR_US:
        case EVR_SS:
        case EVR_UL:
        case EVR_SL:
        case EVR_FL:
        case EVR_FD:
        case EVR_UV:
        case EVR_SV:
        case EVR_xs:
            return "0";
        default:
            return nullptr;
    }
}

/// A document with one line that says why it is empty.
void make_dummy_content(DcmSequenceOfItems& content) {
    content.clear();
    auto item = std::make_unique<DcmItem>();
    item->putAndInsertString(DCM_RelationshipType, "CONTAINS");
    item->putAndInsertString(DCM_ValueType, "TEXT");
    item->putAndInsertString(DCM_TextValue, "ANONYMIZED");
    DcmItem* name = nullptr;
    if (item->findOrCreateSequenceItem(DCM_ConceptNameCodeSequence, name).good()) {
        name->putAndInsertString(DCM_CodeValue, "121106");
        name->putAndInsertString(DCM_CodingSchemeDesignator, "DCM");
        name->putAndInsertString(DCM_CodeMeaning, "Comment");
    }
    if (content.append(item.get()).good()) (void)item.release();
}

void make_dummy_item(DcmSequenceOfItems& sequence, const Pseudonyms& pseudonyms) {
    while (sequence.card() > 1) delete sequence.remove(sequence.card() - 1);
    for (DcmItem* item : items_of(sequence)) {
        for (DcmElement* element : elements_of(*item)) {
            // Words of the standard, which other attributes depend on.
            if (element->ident() != EVR_CS) make_dummy(*element, pseudonyms);
        }
    }
}

}  // namespace

void make_dummy(DcmElement& element, const Pseudonyms& pseudonyms) {
    const DcmEVR vr = element.ident();
    if (vr == EVR_SQ) {
        auto& sequence = static_cast<DcmSequenceOfItems&>(element);
        if (element.getTag() == DCM_ContentSequence) return make_dummy_content(sequence);
        return make_dummy_item(sequence, pseudonyms);
    }
    if (vr == EVR_UI) return replace_uids(element, pseudonyms);
    if (const char* text = dummy_text(vr)) {
        if (element.putString(text).good()) return;
    }
    constexpr std::array<Uint8, 8> zeros{};
    const bool is_bytes = vr == EVR_OB || vr == EVR_OW || vr == EVR_ox;
    if (!is_bytes || element.putUint8Array(zeros.data(), zeros.size()).bad()) element.clear();
}

void replace_uids(DcmElement& element, const Pseudonyms& pseudonyms) {
    OFString values;
    if (element.ident() != EVR_UI || element.getOFStringArray(values).bad()) {
        element.clear();
        return;
    }
    std::string replaced;
    std::string_view rest(values.c_str(), values.size());
    while (true) {
        const std::size_t end = rest.find('\\');
        replaced += pseudonyms.uid(rest.substr(0, end));
        if (end == std::string_view::npos) break;
        replaced += '\\';
        rest.remove_prefix(end + 1);
    }
    element.putString(replaced.c_str());
}

}  // namespace quicksilver::dicom
