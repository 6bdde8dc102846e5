#include "file_filter.hpp"

#include "quicksilver/core/tags.hpp"
#include "quicksilver/store/sent_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fnmatch.h>

namespace quicksilver {

namespace {

namespace fs = std::filesystem;

/// Ours and mercure's markers, which are of no use to the receiver.
bool is_internal(const std::string& file) {
    return file == SentLog::file_name || file.front() == '.' || file == "sent.txt";
}

}  // namespace

FileFilter::FileFilter(std::string_view list) {
    while (!list.empty()) {
        std::string_view pattern = list.substr(0, list.find(','));
        list.remove_prefix(std::min(list.size(), pattern.size() + 1));
        while (pattern.starts_with(' ')) pattern.remove_prefix(1);
        while (pattern.ends_with(' ')) pattern.remove_suffix(1);
        if (!pattern.empty()) patterns_.emplace_back(pattern);
    }
}

bool FileFilter::excludes(const fs::path& file) const {
    const std::string name = file.filename(), whole = file;
    return std::ranges::any_of(patterns_, [&](const std::string& pattern) {
        return fnmatch(pattern.c_str(), name.c_str(), 0) == 0 || fnmatch(pattern.c_str(), whole.c_str(), 0) == 0;
    });
}

Result<std::vector<HandedFile>> files_to_hand_over(const fs::path& folder, const FileFilter& filter) {
    std::vector<HandedFile> files;
    const auto add = [&](const fs::path& name, const fs::path& source, bool is_tags) {
        if (!filter.excludes(name)) files.push_back(HandedFile{name.string(), source, is_tags});
    };
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const fs::path& path = entry->path();
        if (entry->is_directory() && is_internal(path.filename())) entry.disable_recursion_pending();
        if (!entry->is_regular_file() || is_internal(path.filename())) continue;
        const fs::path name = path.lexically_relative(folder);
        add(name, path, false);
        if (path.extension() != ".dcm") continue;
        std::error_code ignored;
        if (!fs::exists(fs::path(path).replace_extension(".tags"), ignored)) {
            add(fs::path(name).replace_extension(".tags"), path, true);
        }
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", folder.string(), error.message())};
    std::ranges::sort(files, {}, &HandedFile::name);
    return files;
}

std::optional<std::string> tags_content(const HandedFile& file, const dicom::TagReadOptions& options) {
    const auto tags = dicom::read_tags(file.source, options);
    if (!tags) return std::nullopt;
    return to_tags_file(*tags);
}

}  // namespace quicksilver
