#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/editable_file.hpp"
#include "quicksilver/rules/expression.hpp"

#include "step_settings.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

/// One change of the step `edit-tags`.
struct TagEdit {
    enum class Kind { set, remove, copy, append };
    Kind kind = Kind::set;
    std::string path;                        ///< that is changed
    std::vector<std::string> removed;        ///< paths, or "private"
    bool everywhere = false;                 ///< of remove: in sequences too
    std::string from;                        ///< of copy
    std::string text;                        ///< of set and append, when there is no expression
    std::optional<rules::Expression> value;  ///< of set and append
    std::string separator;                   ///< of append
    std::optional<std::string> otherwise;    ///< when the value cannot be found
    std::optional<rules::Expression> condition;
};

/// `{"edits": […]}`; what is wrong goes to `problems`.
std::vector<TagEdit> parse_tag_edits(const nlohmann::json& settings, std::vector<SettingProblem>& problems);

/// Makes the changes one after the other; each sees what the ones before have done. The error names the edit.
Result<void> apply_tag_edits(const std::vector<TagEdit>& edits, dicom::EditableFile& file,
                             const dicom::TagReadOptions& tag_options);

}  // namespace quicksilver
