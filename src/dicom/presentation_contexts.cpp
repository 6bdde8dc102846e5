#include "presentation_contexts.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <algorithm>

namespace quicksilver::dicom {

namespace {

bool is_native(const std::string& uid) {
    return uid == UID_LittleEndianImplicitTransferSyntax || uid == UID_LittleEndianExplicitTransferSyntax ||
           uid == UID_BigEndianExplicitTransferSyntax || uid == UID_DeflatedExplicitVRLittleEndianTransferSyntax;
}

/// Any encapsulated syntax of the standard, also those that came after DCMTK's table: they are stored as they come.
bool is_compressed(const std::string& uid) {
    const bool standard_range = uid.rfind("1.2.840.10008.1.2.4.", 0) == 0 || uid == UID_RLELosslessTransferSyntax;
    return standard_range || DcmXfer(uid.c_str()).isEncapsulated();
}

}  // namespace

std::optional<std::string> choose_transfer_syntax(const std::vector<std::string>& proposed, bool accept_compressed) {
    const auto taken = [accept_compressed](const std::string& uid) {
        return is_native(uid) || (accept_compressed && is_compressed(uid));
    };
    const auto first = std::find_if(proposed.begin(), proposed.end(), taken);
    if (first == proposed.end()) return std::nullopt;
    const std::string explicit_little = UID_LittleEndianExplicitTransferSyntax;
    const bool explicit_offered = std::find(proposed.begin(), proposed.end(), explicit_little) != proposed.end();
    if (*first == UID_LittleEndianImplicitTransferSyntax && explicit_offered) return explicit_little;
    return *first;
}

bool is_storable(const std::string& sop_class_uid) {
    if (sop_class_uid == UID_VerificationSOPClass) return false;
    if (dcmIsaStorageSOPClassUID(sop_class_uid.c_str(), ESSC_All)) return true;
    // A UID without a name is a private storage class, or one newer than the dictionary.
    return dcmFindNameOfUID(sop_class_uid.c_str(), nullptr) == nullptr;
}

}  // namespace quicksilver::dicom
