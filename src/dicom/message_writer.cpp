#include "message_writer.hpp"

namespace quicksilver::dicom {

OFCondition write_fragment(T_ASC_Association* association, T_ASC_PresentationContextID context_id, DUL_DATAPDV type,
                           std::span<char> bytes, bool last) {
    DUL_PDV fragment{};
    fragment.fragmentLength = bytes.size();
    fragment.presentationContextID = context_id;
    fragment.pdvType = type;
    fragment.lastPDV = last;
    fragment.data = bytes.data();
    DUL_PDVLIST list{};
    list.count = 1;
    list.pdv = &fragment;
    return DUL_WritePDVs(&association->DULassociation, &list);
}

}  // namespace quicksilver::dicom
