#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

#include <string>

namespace quicksilver::dicom {

/// Why patient data may be written in the pixels of an instance; empty when nothing speaks for it. BurnedInAnnotation
/// decides where it is given, else what is known of such objects.
std::string burned_in_reason(DcmDataset& data_set);

}  // namespace quicksilver::dicom
