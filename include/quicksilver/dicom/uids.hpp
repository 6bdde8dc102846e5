#pragma once

#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// The data dictionary's name of a transfer syntax or SOP class (`MRImageStorage`), or the UID itself. For messages.
std::string uid_name(const std::string& uid);

/// A unique identifier below 2.25 (PS3.5 §B.2): the same for the same seed, here and on any machine.
std::string make_uid(std::string_view seed);

}  // namespace quicksilver::dicom
