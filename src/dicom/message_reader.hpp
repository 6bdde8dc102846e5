#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>

namespace quicksilver::dicom {

/// Reads the data set of the command that was received last, fragment by fragment as it comes, in any transfer syntax.
/// DCMTK's own reader refuses syntaxes that it does not know.
OFCondition receive_data_set(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                             std::chrono::seconds timeout, const std::function<void(std::span<const std::byte>)>& take);

}  // namespace quicksilver::dicom
