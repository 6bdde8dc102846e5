#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/tag_reader.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// mercure's `file_filter`: files that are left out, as patterns separated by commas.
class FileFilter {
public:
    explicit FileFilter(std::string_view list);
    /// A pattern may be meant for the name alone or with its folders.
    bool excludes(const std::filesystem::path& file) const;

private:
    std::vector<std::string> patterns_;
};

/// A file that targets get which take whole folders: of the task, or the `.tags` file of one of its instances.
struct HandedFile {
    std::string name;  ///< below the task's folder, such as `masks/liver.nii`
    std::filesystem::path source;
    bool is_tags = false;  ///< made from the instance `source` when it is needed
};

/// All that such a target gets of a task's folder: every file but our and mercure's markers, and tags beside each
/// instance that has none. In the order of their names, so that every attempt is alike.
Result<std::vector<HandedFile>> files_to_hand_over(const std::filesystem::path& folder, const FileFilter& filter);

/// The content of a `.tags` file; nothing for a file that is no DICOM whatever its name says.
std::optional<std::string> tags_content(const HandedFile& file, const dicom::TagReadOptions& options);

}  // namespace quicksilver
