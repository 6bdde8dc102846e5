#pragma once

#include <string>
#include <string_view>

namespace quicksilver {

/// A label as XNAT allows it: letters, digits, `_` and `-`; anything else becomes `_`. Never empty.
inline std::string xnat_label(std::string_view text) {
    std::string label(text.empty() ? "unknown" : text);
    for (char& c : label) {
        const bool allowed =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
        if (!allowed) c = '_';
    }
    return label;
}

/// mercure's label of a session: `PatientID_YYYY-MM-DD`. Where mercure fails for want of a date, the end of the study's
/// UID stands in its place.
inline std::string xnat_session_label(std::string_view patient_id, std::string_view study_date,
                                      std::string_view study_uid) {
    constexpr std::size_t date_length = 8, uid_end = 12;
    std::string when;
    if (study_date.size() == date_length && study_date.find_first_not_of("0123456789") == std::string_view::npos) {
        when = std::string(study_date.substr(0, 4)) + "-" + std::string(study_date.substr(4, 2)) + "-" +
               std::string(study_date.substr(6, 2));
    } else {
        when = study_uid.size() > uid_end ? study_uid.substr(study_uid.size() - uid_end) : study_uid;
    }
    return xnat_label(std::string(patient_id.empty() ? "unknown" : patient_id) + "_" + when);
}

}  // namespace quicksilver
