#pragma once

#include <optional>
#include <string>
#include <vector>

namespace quicksilver::dicom {

/// Which transfer syntax to take of those that a peer proposes for one context: the first that we take, in the peer's
/// order, but explicit little endian rather than implicit, because only explicit keeps the VR of private elements.
/// Nothing when none is taken. Pure.
std::optional<std::string> choose_transfer_syntax(const std::vector<std::string>& proposed, bool accept_compressed);

/// Whether a SOP class is taken for C-STORE: every storage class, known or not, but no service that we do not offer.
bool is_storable(const std::string& sop_class_uid);

}  // namespace quicksilver::dicom
