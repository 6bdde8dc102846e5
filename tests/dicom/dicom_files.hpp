#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcfilefo.h>
#include <dcmtk/dcmdata/dcxfer.h>

#include <filesystem>
#include <functional>

namespace quicksilver::test {

inline constexpr const char* series_uid = "2.25.11";
inline constexpr const char* instance_uid = "2.25.111";

/// Writes a small MR instance without pixel data after `change` had its way with it.
void write_dicom(const std::filesystem::path& file, const std::function<void(DcmFileFormat&)>& change,
                 E_TransferSyntax syntax = EXS_LittleEndianExplicit);

/// The folder of the sample files that the package python3-pydicom brings; without it the test fails.
std::filesystem::path pydicom_data();

}  // namespace quicksilver::test
