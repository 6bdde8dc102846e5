// Questions that are asked of a file which is loaded already.
#pragma once

#include "quicksilver/core/tags.hpp"
#include "quicksilver/dicom/tag_reader.hpp"

#include "element_path.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// The file up to the tag `end`. Values of more than 4 KiB stay in the file until they are asked for.
Result<std::unique_ptr<DcmFileFormat>> load_file(const std::filesystem::path& file, const DcmTagKey& end);

/// As read_tags(); `file` only for its name.
Tags tags_of(DcmFileFormat& content, const std::filesystem::path& file, const TagReadOptions& options,
             const Provenance* known);
/// The key under which the element of `step` stands in this item: private blocks are numbered by each data set anew.
std::optional<DcmTagKey> locate_element(DcmItem& item, const ElementStep& step);
/// As read_element().
std::optional<std::string> element_of(DcmFileFormat& content, std::string_view path);

}  // namespace quicksilver::dicom
