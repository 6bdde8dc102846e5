#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver::dicom {

enum class PhantomModality { ct, mr };
enum class PhantomSyntax { explicit_little_endian, implicit_little_endian };

/// A made-up series of one made-up head. The same options give the same bytes.
struct PhantomOptions {
    PhantomModality modality = PhantomModality::ct;
    PhantomSyntax syntax = PhantomSyntax::explicit_little_endian;
    std::string patient_name = "PHANTOM^HEAD";
    std::string patient_id = "PHANTOM";
    std::string accession_number = "PHANTOM";
    std::string study_uid;   ///< empty: made from patient_id and seed
    std::string series_uid;  ///< empty: made from the study's, modality, series_number and seed
    std::string study_description = "Head phantom";
    std::string series_description = "Phantom";
    unsigned series_number = 1;
    unsigned instances = 10;   ///< slices
    std::uint16_t rows = 128;  ///< with 128 columns 33 kB an instance, with 512 by 512 525 kB
    std::uint16_t columns = 128;
    std::uint64_t seed = 1;  ///< of the noise and of the UIDs that are not given
};

/// Sets rows and columns so that the pixel data of one instance has about `bytes` bytes.
void set_picture_bytes(PhantomOptions& options, std::uint64_t bytes);

/// Writes one file an instance, `<SOPInstanceUID>.dcm`, into `folder`, which is made when it does not exist.
/// Returns the files in the order of their slices. Needs a few rows of memory whatever the size; any thread, blocks.
/// Errors: invalid for a size that DICOM cannot express, no_space, io.
Result<std::vector<std::filesystem::path>> write_phantom_series(const PhantomOptions& options,
                                                                const std::filesystem::path& folder);

}  // namespace quicksilver::dicom
