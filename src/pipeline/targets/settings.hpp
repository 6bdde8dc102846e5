#pragma once

#include "quicksilver/core/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Reads the settings of a target, which the configuration has checked. Absent ones are "", false or 0.
class TargetSettings {
public:
    explicit TargetSettings(const TargetConfig& target) : settings_(target.settings) {}

    /// A number too: tests and mercure's files have ports as either.
    std::string text(std::string_view key) const {
        const auto found = settings_.find(key);
        if (found == settings_.end()) return {};
        if (found->is_number()) return found->dump();
        return found->is_string() ? found->get<std::string>() : std::string();
    }
    std::string text(std::string_view key, std::string_view otherwise) const {
        std::string value = text(key);
        return value.empty() ? std::string(otherwise) : value;
    }
    bool flag(std::string_view key, bool otherwise = false) const {
        const auto found = settings_.find(key);
        return found != settings_.end() && found->is_boolean() ? found->get<bool>() : otherwise;
    }
    double number(std::string_view key, double otherwise) const {
        const auto found = settings_.find(key);
        return found != settings_.end() && found->is_number() ? found->get<double>() : otherwise;
    }
    std::vector<std::string> texts(std::string_view key) const {
        std::vector<std::string> all;
        const auto found = settings_.find(key);
        if (found == settings_.end() || !found->is_array()) return all;
        for (const auto& item : *found) {
            if (item.is_string()) all.push_back(item.get<std::string>());
        }
        return all;
    }

private:
    const nlohmann::json& settings_;
};

}  // namespace quicksilver
