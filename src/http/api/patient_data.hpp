#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace quicksilver::api {

/// The one place that decides what of a patient somebody sees. Without the permission, only what is known to be
/// harmless is shown; everything else is null. Pure.
class PatientData {
public:
    explicit PatientData(bool allowed) : allowed_(allowed) {}

    bool allowed() const { return allowed_; }
    /// A name, id, birth date, accession number …
    nlohmann::json show(const std::string& value) const;
    /// Tags by keyword, as rules see them.
    nlohmann::json tags(const nlohmann::json& tags) const;
    /// Those of them that rules may be tried on: from the outcome of a rule one could guess the others.
    nlohmann::json known_tags(const nlohmann::json& tags) const;
    /// A data set in the DICOM JSON model: of elements that are not known to be harmless, the VR alone.
    nlohmann::json data_set(const nlohmann::json& data_set) const;
    /// A decision with the values that its rules saw.
    nlohmann::json decision(const nlohmann::json& decision) const;
    /// A task.json, for nobody with the secrets of its modules.
    nlohmann::json task(const nlohmann::json& task) const;

private:
    bool allowed_;
};

/// Whether the values of this tag tell nothing of who the patient is.
bool is_harmless_tag(std::string_view keyword);

}  // namespace quicksilver::api
