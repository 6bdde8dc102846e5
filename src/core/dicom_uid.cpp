#include "quicksilver/core/dicom_uid.hpp"

#include <algorithm>

namespace quicksilver {

bool is_file_safe_uid(std::string_view uid) {
    if (uid.empty() || uid.size() > 64 || uid.front() == '.') return false;
    return std::all_of(uid.begin(), uid.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
               c == '_';
    });
}

}  // namespace quicksilver
