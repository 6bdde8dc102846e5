#pragma once

#include "quicksilver/dicom/confidentiality_profile.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

namespace quicksilver::dicom {

/// Says in the data set that it was de-identified and how: PatientIdentityRemoved, DeidentificationMethod with its
/// codes of CID 7050, LongitudinalTemporalInformationModified. What an earlier one said stays.
void note_deidentification(DcmDataset& data_set, const ConfidentialityOptions& options);

}  // namespace quicksilver::dicom
