#include "deidentification_notes.hpp"

#include "element_text.hpp"
#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <string>
#include <vector>

namespace quicksilver::dicom {

namespace {

struct Code {
    const char* value;
    const char* meaning;
};

/// Of CID 7050, De-identification Method.
std::vector<Code> codes_of(const ConfidentialityOptions& options) {
    std::vector<Code> codes = {{"113100", "Basic Application Confidentiality Profile"}};
    const auto add = [&codes](bool wanted, const char* value, const char* meaning) {
        if (wanted) codes.push_back({value, meaning});
    };
    add(options.clean_graphics, "113103", "Clean Graphics Option");
    add(options.clean_structured_content, "113104", "Clean Structured Content Option");
    add(options.clean_descriptors, "113105", "Clean Descriptors Option");
    add(options.retain_full_dates, "113106", "Retain Longitudinal Temporal Information Full Dates Option");
    add(options.retain_modified_dates && !options.retain_full_dates, "113107",
        "Retain Longitudinal Temporal Information Modified Dates Option");
    add(options.retain_patient_characteristics, "113108", "Retain Patient Characteristics Option");
    add(options.retain_device_identity, "113109", "Retain Device Identity Option");
    add(options.retain_uids, "113110", "Retain UIDs Option");
    add(options.retain_safe_private, "113111", "Retain Safe Private Option");
    add(options.retain_institution_identity, "113112", "Retain Institution Identity Option");
    return codes;
}

bool is_noted(DcmDataset& data_set, const Code& code) {
    DcmElement* sequence = nullptr;
    if (data_set.findAndGetElement(DCM_DeidentificationMethodCodeSequence, sequence).bad()) return false;
    for (DcmItem* item : items_of(*sequence)) {
        if (element_bytes(*item, DCM_CodeValue) == code.value) return true;
    }
    return false;
}

const char* dates_of(const ConfidentialityOptions& options) {
    if (options.retain_full_dates) return "UNMODIFIED";
    return options.retain_modified_dates ? "MODIFIED" : "REMOVED";
}

}  // namespace

void note_deidentification(DcmDataset& data_set, const ConfidentialityOptions& options) {
    data_set.putAndInsertString(DCM_PatientIdentityRemoved, "YES");
    std::string methods = element_bytes(data_set, DCM_DeidentificationMethod);
    for (const Code& code : codes_of(options)) {
        if (is_noted(data_set, code)) continue;
        DcmItem* item = nullptr;
        if (data_set.findOrCreateSequenceItem(DCM_DeidentificationMethodCodeSequence, item, -2).bad()) continue;
        item->putAndInsertString(DCM_CodeValue, code.value);
        item->putAndInsertString(DCM_CodingSchemeDesignator, "DCM");
        item->putAndInsertString(DCM_CodeMeaning, code.meaning);
        methods += (methods.empty() ? "" : "\\") + std::string(code.meaning);
    }
    data_set.putAndInsertString(DCM_DeidentificationMethod, methods.c_str());
    data_set.putAndInsertString(DCM_LongitudinalTemporalInformationModified, dates_of(options));
}

}  // namespace quicksilver::dicom
