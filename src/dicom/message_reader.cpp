#include "message_reader.hpp"

namespace quicksilver::dicom {

namespace {

OFCondition next_fragment(T_ASC_Association* association, std::chrono::seconds timeout, DUL_PDV& fragment) {
    // One PDU may carry several fragments.
    if (DUL_NextPDV(&association->DULassociation, &fragment).good()) return EC_Normal;
    const int seconds = static_cast<int>(timeout.count());
    if (!ASC_dataWaiting(association, seconds)) return DIMSE_NODATAAVAILABLE;
    const OFCondition read = DUL_ReadPDVs(&association->DULassociation, nullptr, DUL_NOBLOCK, seconds);
    if (read != DUL_PDATAPDUARRIVED) return read.good() ? OFCondition(DIMSE_RECEIVEFAILED) : read;
    return DUL_NextPDV(&association->DULassociation, &fragment);
}

constexpr std::size_t command_bytes_max = 1 << 16;  // the longest command we know has some hundred

}  // namespace

OFCondition receive_command(T_ASC_Association* association, std::chrono::seconds wait, std::chrono::seconds timeout,
                            T_ASC_PresentationContextID& context_id, std::string& bytes) {
    bytes.clear();
    for (;;) {
        DUL_PDV fragment{};
        const bool began = !bytes.empty();
        const OFCondition read = next_fragment(association, began ? timeout : wait, fragment);
        if (began && read == DIMSE_NODATAAVAILABLE) return DIMSE_RECEIVEFAILED;
        if (read.bad()) return read;
        if (fragment.pdvType != DUL_COMMANDPDV) return DIMSE_UNEXPECTEDPDVTYPE;
        if (!bytes.empty() && fragment.presentationContextID != context_id) return DIMSE_BADDATA;
        context_id = fragment.presentationContextID;
        if (fragment.fragmentLength > command_bytes_max - bytes.size()) return DIMSE_BADDATA;
        bytes.append(static_cast<const char*>(fragment.data), fragment.fragmentLength);
        if (fragment.lastPDV) return EC_Normal;
    }
}

OFCondition receive_data_set(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                             std::chrono::seconds timeout,
                             const std::function<void(std::span<const std::byte>)>& take) {
    for (;;) {
        DUL_PDV fragment{};
        const OFCondition read = next_fragment(association, timeout, fragment);
        if (read.bad()) return read;
        if (fragment.pdvType != DUL_DATASETPDV) return DIMSE_UNEXPECTEDPDVTYPE;
        if (fragment.presentationContextID != context_id) return DIMSE_BADDATA;
        take(std::span(static_cast<const std::byte*>(fragment.data), fragment.fragmentLength));
        if (fragment.lastPDV) return EC_Normal;
    }
}

OFCondition receive_data_set(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                             std::chrono::seconds timeout, std::size_t bytes_max, std::string& data_set) {
    data_set.clear();
    bool is_too_long = false;
    const auto take = [&](std::span<const std::byte> part) {
        is_too_long |= part.size() > bytes_max - data_set.size();
        if (!is_too_long) data_set.append(reinterpret_cast<const char*>(part.data()), part.size());
    };
    const OFCondition received = receive_data_set(association, context_id, timeout, take);
    return received.good() && is_too_long ? OFCondition(DIMSE_OUTOFRESOURCES) : received;
}

}  // namespace quicksilver::dicom
