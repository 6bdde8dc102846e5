#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace quicksilver {

/// What a STOW-RS service said about each instance (PS3.18 §10.5.3, annex I.2).
struct StowAnswer {
    std::map<std::string, std::uint16_t> stored;  ///< SOP Instance UID → warning, or 0
    std::map<std::string, std::uint16_t> failed;  ///< SOP Instance UID → failure reason
    std::uint16_t other_failure = 0;              ///< of instances that it could not even name
};

/// Reads the DICOM JSON body of an answer. Errc::invalid when it is none.
Result<StowAnswer> parse_stow_answer(const std::string& body);

/// What a failure reason means (PS3.18 table I.2-2); it is a DIMSE status.
std::string stow_failure_text(std::uint16_t reason);

}  // namespace quicksilver
