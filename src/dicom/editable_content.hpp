#pragma once

#include "quicksilver/dicom/editable_file.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include <filesystem>
#include <memory>

namespace quicksilver::dicom {

struct EditableFile::Content {
    std::filesystem::path path;
    std::unique_ptr<DcmFileFormat> file;

    DcmDataset& data_set() { return *file->getDataset(); }
};

}  // namespace quicksilver::dicom
