#pragma once

#include "quicksilver/pipeline/runners/builtin_steps.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Reads one JSON object of settings and finds all problems at once. What it was not asked for is a problem, too.
class StepSettings {
public:
    /// `path` is that of the object: "" or "edits[2]".
    StepSettings(const nlohmann::json& object, std::string path, std::vector<SettingProblem>& problems);

    bool has(const char* key) const { return object_.is_object() && object_.contains(key); }
    bool flag(const char* key, bool otherwise);
    int number(const char* key, int otherwise, int min, int max);
    std::string text(const char* key, const std::string& otherwise);
    /// A text or a list of texts.
    std::vector<std::string> texts(const char* key);
    /// A list; null when there is none.
    const nlohmann::json* list(const char* key);

    void problem(std::string_view key, std::string message);
    /// To be called last: names the keys that nobody asked for.
    void finish();

private:
    const nlohmann::json* find(const char* key);
    std::string path_of(std::string_view key) const;

    const nlohmann::json& object_;
    const std::string path_;
    std::vector<SettingProblem>& problems_;
    std::set<std::string, std::less<>> known_;
};

}  // namespace quicksilver
