#pragma once

#include "quicksilver/dicom/confidentiality_profile.hpp"

#include "identity_words.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

#include <set>
#include <string>

namespace quicksilver::dicom {

/// Who an instance is of, and what would tell it.
struct Identity {
    std::string patient;  ///< the same in every instance of the patient: PatientID, else what else there is
    IdentityWords words;
    std::set<std::string> uids;
};

Identity collect_identity(DcmDataset& data_set, const ConfidentialityOptions& options);

}  // namespace quicksilver::dicom
