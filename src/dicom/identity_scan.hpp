#pragma once

#include "quicksilver/dicom/instance_store.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace quicksilver::dicom {

/// Walks over the elements of an ordinary little endian data set until it has the identifying UIDs; thirty times as
/// fast as parsing them. Nothing at the first thing that is not plain (another syntax, bytes that are missing, elements
/// out of order, a UN of undefined length, a UID that is none): then a parser has to look. Pure.
std::optional<InstanceIdentity> scan_identity(std::span<const std::byte> head, const std::string& transfer_syntax_uid);

}  // namespace quicksilver::dicom
