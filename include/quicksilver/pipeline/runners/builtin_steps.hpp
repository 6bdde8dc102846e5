#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// The steps that this program does itself, in the chain of modules and without a container, by the name of their
/// runner.
inline constexpr std::string_view edit_tags_step = "edit-tags";
inline constexpr std::string_view deidentify_step = "deidentify";

bool is_builtin_step(std::string_view runner);

/// What is wrong with the settings of a step, with its path in them: `edits[2].value`.
struct SettingProblem {
    std::string path;
    std::string message;

    bool operator==(const SettingProblem&) const = default;
};

/// Empty for other runners, whose modules know their settings themselves.
std::vector<SettingProblem> check_step_settings(std::string_view runner, const nlohmann::json& settings);

}  // namespace quicksilver
