#include "identity_collector.hpp"

#include "element_text.hpp"
#include "item_elements.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace quicksilver::dicom {

namespace {

std::uint32_t number_of(const DcmTagKey& key) {
    return (static_cast<std::uint32_t>(key.getGroup()) << 16U) | key.getElement();
}

/// Numbers and addresses that belong to one person, visit or place.
bool is_phrase(std::uint32_t tag) {
    constexpr std::array tags = {
        0x00080050U,  // AccessionNumber
        0x00080080U,  // InstitutionName
        0x00080081U,  // InstitutionAddress
        0x00100020U,  // PatientID
        0x00101000U,  // OtherPatientIDs
        0x00101040U,  // PatientAddress
        0x00101090U,  // MedicalRecordLocator
        0x00102154U,  // PatientTelephoneNumbers
        0x00200010U,  // StudyID
        0x00380010U,  // AdmissionID
        0x00400009U,  // ScheduledProcedureStepID
        0x00400253U,  // PerformedProcedureStepID
        0x00401001U,  // RequestedProcedureID
        0x00402016U,  // PlacerOrderNumberImagingServiceRequest
        0x00402017U,  // FillerOrderNumberImagingServiceRequest
    };
    return std::ranges::find(tags, tag) != tags.end();
}

class Collector {
public:
    Collector(const ConfidentialityOptions& options, Identity& identity) : options_(options), identity_(identity) {}

    void collect(DcmItem& item) {
        for (DcmElement* element : elements_of(item)) {
            for (DcmItem* inner : items_of(*element)) collect(*inner);
            if (!element->getTag().isPrivate()) take(item, *element);
        }
    }

private:
    void take(DcmItem& item, DcmElement& element) {
        const DcmTagKey key = element.getTag();
        const DcmEVR vr = element.ident();
        if (vr == EVR_PN) {
            identity_.words.add_name(element_bytes(item, key));
            return;
        }
        const ConfidentialityRow* row = find_confidentiality_row(number_of(key));
        if (row == nullptr || treatment_of(*row, options_) == Treatment::keep) return;
        if (vr == EVR_UI) {
            take_values(element_bytes(item, key), [this](const std::string& uid) {
                if (uid.starts_with("1.2.840.10008.")) return;
                identity_.uids.insert(uid);
                identity_.words.add_phrase(uid);
            });
        } else if (vr == EVR_DA || is_phrase(row->tag)) {
            take_values(element_bytes(item, key),
                        [this](const std::string& value) { identity_.words.add_phrase(value); });
        } else if (vr == EVR_DT) {
            identity_.words.add_phrase(element_bytes(item, key).substr(0, 8));
        }
    }

    template <class Use>
    static void take_values(const std::string& values, Use use) {
        for (std::size_t at = 0; at <= values.size();) {
            const std::size_t end = std::min(values.find('\\', at), values.size());
            if (end > at) use(values.substr(at, end - at));
            at = end + 1;
        }
    }

    const ConfidentialityOptions& options_;
    Identity& identity_;
};

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.pop_back();
    text.erase(0, std::min(text.find_first_not_of(' '), text.size()));
    return text;
}

std::string patient_of(DcmDataset& data_set) {
    std::string id = trimmed(element_bytes(data_set, DCM_PatientID));
    if (!id.empty()) return id;
    const std::string name = trimmed(element_bytes(data_set, DCM_PatientName));
    if (!name.empty()) return name + '|' + trimmed(element_bytes(data_set, DCM_PatientBirthDate));
    return element_bytes(data_set, DCM_StudyInstanceUID);
}

}  // namespace

Identity collect_identity(DcmDataset& data_set, const ConfidentialityOptions& options) {
    Identity identity;
    identity.patient = patient_of(data_set);
    Collector(options, identity).collect(data_set);
    return identity;
}

}  // namespace quicksilver::dicom
