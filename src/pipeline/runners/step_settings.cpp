#include "step_settings.hpp"

#include <fmt/format.h>

#include <utility>

namespace quicksilver {

StepSettings::StepSettings(const nlohmann::json& object, std::string path, std::vector<SettingProblem>& problems)
    : object_(object), path_(std::move(path)), problems_(problems) {
    if (!object_.is_object()) problems_.push_back({path_, "must be an object"});
}

std::string StepSettings::path_of(std::string_view key) const {
    if (key.empty()) return path_;
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void StepSettings::problem(std::string_view key, std::string message) {
    problems_.push_back({path_of(key), std::move(message)});
}

const nlohmann::json* StepSettings::find(const char* key) {
    known_.insert(key);
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(key);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool StepSettings::flag(const char* key, bool otherwise) {
    const auto* value = find(key);
    if (value == nullptr) return otherwise;
    if (value->is_boolean()) return value->get<bool>();
    problem(key, "must be true or false");
    return otherwise;
}

int StepSettings::number(const char* key, int otherwise, int min, int max) {
    const auto* value = find(key);
    if (value == nullptr) return otherwise;
    if (value->is_number_integer() && *value >= min && *value <= max) return value->get<int>();
    problem(key, fmt::format("must be a whole number from {} to {}", min, max));
    return otherwise;
}

std::string StepSettings::text(const char* key, const std::string& otherwise) {
    const auto* value = find(key);
    if (value == nullptr) return otherwise;
    if (value->is_string()) return value->get<std::string>();
    problem(key, "must be a text");
    return otherwise;
}

std::vector<std::string> StepSettings::texts(const char* key) {
    const auto* value = find(key);
    std::vector<std::string> texts;
    if (value == nullptr) return texts;
    if (value->is_string()) return {value->get<std::string>()};
    bool is_list = value->is_array();
    for (std::size_t at = 0; is_list && at < value->size(); ++at) {
        is_list = (*value)[at].is_string();
        if (is_list) texts.push_back((*value)[at].get<std::string>());
    }
    if (!is_list) problem(key, "must be a text or a list of texts");
    return texts;
}

const nlohmann::json* StepSettings::list(const char* key) {
    const auto* value = find(key);
    if (value == nullptr || value->is_array()) return value;
    problem(key, "must be a list");
    return nullptr;
}

void StepSettings::finish() {
    if (!object_.is_object()) return;
    for (const auto& [key, value] : object_.items()) {
        if (!known_.contains(key)) problem(key, "is no setting of this step");
    }
}

}  // namespace quicksilver
