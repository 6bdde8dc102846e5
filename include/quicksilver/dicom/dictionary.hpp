#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::dicom {

struct DictionaryEntry {
    std::string keyword;  ///< PatientName
    std::string tag;      ///< 0010,0010
    std::string vr;       ///< PN
};

/// Elements of the data dictionary whose keyword, or group and element (`0010,00`), begins so, whatever the case; in
/// order of their keywords. Without repeating groups and private elements. Any thread.
std::vector<DictionaryEntry> find_in_dictionary(std::string_view prefix, std::size_t limit);

/// `PatientName` for `00100010`; "" for what is not in the data dictionary. Any thread.
std::string keyword_of(std::string_view tag);

}  // namespace quicksilver::dicom
