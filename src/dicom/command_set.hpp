#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace quicksilver::dicom {

/// Values of CommandField (PS3.7 annex E.1). A response has the highest bit set.
namespace command_field {
inline constexpr std::uint16_t c_store_rq = 0x0001;
inline constexpr std::uint16_t c_store_rsp = 0x8001;
inline constexpr std::uint16_t c_echo_rq = 0x0030;
inline constexpr std::uint16_t c_echo_rsp = 0x8030;
inline constexpr std::uint16_t n_event_report_rq = 0x0100;
inline constexpr std::uint16_t n_event_report_rsp = 0x8100;
inline constexpr std::uint16_t n_action_rsp = 0x8130;
}  // namespace command_field

/// The command set of a C-STORE or C-ECHO message (PS3.7 §9.3), and what we need of those of Storage Commitment
/// (PS3.7 §10.3). Encoded by us and not by DCMTK, which builds a data set
/// for each, and sends a command that announces a data set only together with that data set.
struct CommandSet {
    std::uint16_t command_field = 0;
    std::uint16_t message_id = 0;  ///< of a response: MessageIDBeingRespondedTo
    bool has_data_set = false;
    std::uint16_t status = 0;      ///< of a response
    std::string error_comment;     ///< of a response; shortened to the 64 characters that it may have
    std::string sop_class_uid;     ///< AffectedSOPClassUID
    std::string sop_instance_uid;  ///< AffectedSOPInstanceUID; empty: none

    bool is_response() const { return (command_field & 0x8000) != 0; }
};

CommandSet response_to(const CommandSet& request, std::uint16_t field, std::uint16_t status);

/// In implicit little endian, as every command set is. Pure.
std::string encode_command(const CommandSet& command);
/// Errc::invalid for what is no command set. Elements that these services do not use are passed over. Pure.
Result<CommandSet> decode_command(std::string_view bytes);

}  // namespace quicksilver::dicom
