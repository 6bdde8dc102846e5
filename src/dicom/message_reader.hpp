#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dimse.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

namespace quicksilver::dicom {

/// Reads one command set into `bytes`. DIMSE_NODATAAVAILABLE when none began within `wait`; once it began, the rest has
/// to come within `timeout`. The conditions of DUL for release, abort and loss are passed on.
OFCondition receive_command(T_ASC_Association* association, std::chrono::seconds wait, std::chrono::seconds timeout,
                            T_ASC_PresentationContextID& context_id, std::string& bytes);

/// Reads the data set of the command that was received last, fragment by fragment as it comes, in any transfer syntax.
/// DCMTK's own reader refuses syntaxes that it does not know.
OFCondition receive_data_set(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                             std::chrono::seconds timeout, const std::function<void(std::span<const std::byte>)>& take);

/// The same, collected; DIMSE_OUTOFRESOURCES when it is longer than `bytes_max`.
OFCondition receive_data_set(T_ASC_Association* association, T_ASC_PresentationContextID context_id,
                             std::chrono::seconds timeout, std::size_t bytes_max, std::string& data_set);

}  // namespace quicksilver::dicom
