#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/instance_store.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace quicksilver::dicom {

/// Reads the identifying UIDs from the first bytes of a data set. Errc::busy when they are not among these bytes but
/// may follow, Errc::invalid when this is not a data set or a UID is missing.
Result<InstanceIdentity> read_identity(std::span<const std::byte> head, const std::string& transfer_syntax_uid,
                                       bool head_is_all);
/// The same by DCMTK's parser alone, for what `scan_identity` leaves to it.
Result<InstanceIdentity> parse_identity(std::span<const std::byte> head, const std::string& transfer_syntax_uid,
                                        bool head_is_all);

}  // namespace quicksilver::dicom
