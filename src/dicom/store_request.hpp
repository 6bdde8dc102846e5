#pragma once

#include <cstdint>
#include <string>

namespace quicksilver::dicom {

/// The command set of a C-STORE-RQ (PS3.7 §9.3.1.1), in implicit little endian as every command is, for a data set that
/// follows from elsewhere. DCMTK sends a command that announces a data set only together with the data set. Pure.
std::string encode_store_request(std::uint16_t message_id, const std::string& sop_class_uid,
                                 const std::string& sop_instance_uid);

}  // namespace quicksilver::dicom
