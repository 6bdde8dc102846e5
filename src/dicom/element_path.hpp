#pragma once

#include "quicksilver/core/result.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctagkey.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::dicom {

/// The tag of a keyword of the data dictionary, of `gggg,eeee` or of `(gggg,eeee)`; nothing for another text.
std::optional<DcmTagKey> parse_tag_key(std::string_view name);

/// The dictionary's keyword, or `(gggg,eeee)` for a tag that it does not have.
std::string tag_name(const DcmTagKey& key);

/// One step of a path to a data element.
struct ElementStep {
    DcmTagKey key;                // of a private element: its group, and its element without the block
    std::string private_creator;  // of a private element given with its creator
    unsigned long item = 0;       // which item of a sequence, from 0
};

/// A path as `read_element` takes it. Errors: invalid, with the part that was not understood.
Result<std::vector<ElementStep>> parse_element_path(std::string_view path);

}  // namespace quicksilver::dicom
