#pragma once

#include "quicksilver/rules/diagnostic.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

/// A rule's `study_trigger_series`, for example `'T1' and ('T2' or 'FLAIR')` (contract §4.3). Each text is true when
/// any received series description contains it, whatever the case.
struct Completion {
    bool complete = false;
    std::optional<Diagnostic> error;   ///< the condition cannot be evaluated: not complete
    std::vector<std::string> wanted;   ///< the texts, in the order of the condition, each once
    std::vector<std::string> missing;  ///< those that no received series has
};

/// No series received: not complete, all are missing. Empty condition: complete.
Completion evaluate_completion(std::string_view condition, const std::vector<std::string>& series_descriptions);

/// Nothing when the condition is well formed, else mercure's own sentence.
std::optional<std::string> check_completion(std::string_view condition);

}  // namespace quicksilver::rules
