#include "deidentify_settings.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

constexpr std::size_t prefix_length_max = 40;  // with the 16 characters behind it, PatientID has room for 64

bool is_prefix(const std::string& text) {
    return text.size() <= prefix_length_max && std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '_';
           });
}

}  // namespace

DeidentifySettings parse_deidentify_settings(const nlohmann::json& json, std::vector<SettingProblem>& problems) {
    StepSettings settings(json, "", problems);
    DeidentifySettings parsed;
    dicom::ConfidentialityOptions& profile = parsed.options.profile;
    profile.retain_safe_private = settings.flag("retain_safe_private", false);
    profile.retain_uids = settings.flag("retain_uids", false);
    profile.retain_device_identity = settings.flag("retain_device_identity", false);
    profile.retain_institution_identity = settings.flag("retain_institution_identity", false);
    profile.retain_patient_characteristics = settings.flag("retain_patient_characteristics", false);
    profile.retain_full_dates = settings.flag("retain_full_dates", false);
    profile.retain_modified_dates = settings.flag("retain_modified_dates", false);
    profile.clean_descriptors = settings.flag("clean_descriptors", false);
    profile.clean_structured_content = settings.flag("clean_structured_content", false);
    profile.clean_graphics = settings.flag("clean_graphics", false);
    parsed.options.accept_burned_in = settings.flag("accept_burned_in", false);
    parsed.options.days_back_max = settings.number("days_back_max", parsed.options.days_back_max, 1, 36'500);
    for (std::string& creator : settings.texts("safe_private_creators")) {
        parsed.options.safe_private_creators.insert(std::move(creator));
    }
    parsed.pseudonym_prefix = settings.text("pseudonym_prefix", parsed.pseudonym_prefix);
    if (!is_prefix(parsed.pseudonym_prefix)) {
        settings.problem("pseudonym_prefix", "must be at most 40 letters, digits, - and _");
    }
    if (profile.retain_full_dates && profile.retain_modified_dates) {
        settings.problem("retain_modified_dates", "excludes retain_full_dates");
    }
    settings.finish();
    return parsed;
}

}  // namespace quicksilver
