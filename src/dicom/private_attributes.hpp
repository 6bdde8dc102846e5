#pragma once

#include "quicksilver/dicom/deidentifier.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdatset.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace quicksilver::dicom {

/// Which private attributes of a data set may stay (PS3.15 §E.3.10): none without the option; with it those of the
/// standard's list, of creators that the site knows, and those that the data set itself declares safe (0008,0300).
class PrivateAttributes {
public:
    PrivateAttributes(DcmDataset& data_set, const DeidentificationOptions& options);

    /// Removes the others from this item, and reservations of blocks in which nothing is left.
    void remove_unsafe(DcmItem& item) const;

private:
    void read_declarations(DcmDataset& data_set);
    bool is_safe(const std::string& creator, Uint16 group, Uint8 element) const;

    const DeidentificationOptions& options_;
    std::set<std::pair<Uint16, std::string>> safe_blocks_;                      // group and creator
    std::set<std::pair<std::pair<Uint16, std::string>, Uint8>> safe_elements_;  // and element
};

}  // namespace quicksilver::dicom
