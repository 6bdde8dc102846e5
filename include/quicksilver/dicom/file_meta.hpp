#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/instance_store.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace quicksilver::dicom {

/// What tells a whole file from one that a power cut tore: length and XXH3 of its data set. Kept in the file meta
/// information as Private Information (0002,0102) of our own creator UID (PS3.10 §7.1).
struct DataSetChecksum {
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;

    bool operator==(const DataSetChecksum&) const = default;
};

/// The file meta information that precedes a data set (PS3.10 §7.1), as far as we use it.
struct FileMeta {
    std::string sop_class_uid;
    std::string sop_instance_uid;
    std::string transfer_syntax_uid;
    std::string source_ae;  ///< (0002,0016)
    Peer peer;              ///< (0002,0017), (0002,0018), (0002,0026)
    std::optional<DataSetChecksum> checksum;
    std::uint64_t data_set_offset = 0;  ///< where the data set begins in the file
};

/// The head of a file: preamble, "DICM" and file meta information.
struct EncodedFileMeta {
    std::string bytes;
    std::uint64_t checksum_offset = 0;  ///< where encode_checksum() belongs once the data set is known
};

EncodedFileMeta encode_file_meta(const InstanceIdentity& identity, const Peer& peer);
std::string encode_checksum(const DataSetChecksum& checksum);

/// Reads the head of a file. Errc::invalid when it has no file meta information in its standard form.
Result<FileMeta> parse_file_meta(std::span<const std::byte> head);
Result<FileMeta> read_file_meta(const std::filesystem::path& file);

/// Reads the whole data set and holds it against the checksum of the file meta information. True for a whole file and
/// for one without our checksum, false for a torn one.
Result<bool> is_whole(const std::filesystem::path& file);

}  // namespace quicksilver::dicom
