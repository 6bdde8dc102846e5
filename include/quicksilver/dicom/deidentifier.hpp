#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/confidentiality_profile.hpp"
#include "quicksilver/dicom/editable_file.hpp"
#include "quicksilver/dicom/pseudonyms.hpp"

#include <set>
#include <string>

namespace quicksilver::dicom {

struct DeidentificationOptions {
    ConfidentialityOptions profile;
    bool accept_burned_in = false;  ///< also images that may show who the patient is
    int days_back_max = 3650;       ///< how far the dates of a patient go back at most, with modified dates
    std::set<std::string> safe_private_creators;  ///< whose private attributes are all known to be safe
};

/// The Basic Application Level Confidentiality Profile of PS3.15 Annex E, on one instance at a time. Pure but for the
/// file that it is given; any thread.
class Deidentifier {
public:
    Deidentifier(DeidentificationOptions options, Pseudonyms pseudonyms);

    /// Errc::refused for an image in whose pixels patient data may be written, with the reason.
    Result<void> apply(EditableFile& file) const;

    const Pseudonyms& pseudonyms() const { return pseudonyms_; }

private:
    const DeidentificationOptions options_;
    const Pseudonyms pseudonyms_;
};

}  // namespace quicksilver::dicom
