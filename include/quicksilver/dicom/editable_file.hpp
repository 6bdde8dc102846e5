#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/dicom/tag_reader.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// A DICOM file to be changed and written under another name. Values of more than 4 KiB stay in the original until
/// they are written, and pixel data is never decoded. One thread at a time; blocks.
class EditableFile {
public:
    /// Errors: not_found, io, invalid when it is not a DICOM file, or not a whole one.
    static Result<EditableFile> open(const std::filesystem::path& file);
    EditableFile(EditableFile&&) noexcept;
    EditableFile& operator=(EditableFile&&) noexcept;
    ~EditableFile();

    /// As read_tags() and read_element() of the file as it is now.
    Tags tags(const TagReadOptions& options = {}) const;
    std::optional<std::string> element(std::string_view path) const;

    /// The paths are those of read_element(). UTF-8; a value that the character set of the file cannot express turns
    /// the whole file into UTF-8. Missing elements and sequence items are made. Errc::invalid when the value does not
    /// fit its value representation.
    Result<void> set(std::string_view path, std::string_view value);
    /// One that is not there counts as removed.
    Result<void> remove(std::string_view path);
    /// The same element wherever it stands in sequences.
    Result<void> remove_everywhere(std::string_view name);
    void remove_private();

    /// A new file; Errc::already_exists when the name is taken. Same transfer syntax; the file meta information follows
    /// the data set. What the receiver noted about the sender stays.
    Result<void> save(const std::filesystem::path& to) const;

    struct Content;
    Content& content() { return *content_; }

private:
    explicit EditableFile(std::unique_ptr<Content> content);
    std::unique_ptr<Content> content_;
};

/// Whether set() may change this path: not the file meta information, nor what describes the pixel data or is it.
Result<void> check_settable(std::string_view path);

}  // namespace quicksilver::dicom
