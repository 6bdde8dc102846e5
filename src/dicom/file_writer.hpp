#pragma once

#include "quicksilver/core/result.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>

#include <filesystem>

namespace quicksilver::dicom {

/// Writes a data set with its file meta information to a new file, in the transfer syntax it was read in, with an empty
/// preamble. `loaded_from` is the file it came from: pixel data that is still there is copied without being read by
/// DCMTK. Unlike DCMTK's own way, a full disk is an error. Not synced. Errc::already_exists when the name is taken;
/// a file that could not be written whole is removed.
Result<void> write_new_file(DcmFileFormat& content, const std::filesystem::path& loaded_from,
                            const std::filesystem::path& to);

}  // namespace quicksilver::dicom
