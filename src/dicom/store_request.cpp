#include "store_request.hpp"

namespace quicksilver::dicom {

namespace {

constexpr std::uint16_t c_store_rq = 0x0001;
constexpr std::uint16_t priority_medium = 0x0000;
constexpr std::uint16_t data_set_present = 0x0001;

void append_number(std::string& out, std::uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void append_element(std::string& out, std::uint16_t element, const std::string& value) {
    append_number(out, 0x0000, 2);
    append_number(out, element, 2);
    append_number(out, static_cast<std::uint32_t>(value.size()), 4);
    out += value;
}

std::string number(std::uint32_t value, unsigned bytes) {
    std::string out;
    append_number(out, value, bytes);
    return out;
}

std::string uid(std::string value) {
    if (value.size() % 2 != 0) value += '\0';
    return value;
}

}  // namespace

std::string encode_store_request(std::uint16_t message_id, const std::string& sop_class_uid,
                                 const std::string& sop_instance_uid) {
    std::string elements;
    append_element(elements, 0x0002, uid(sop_class_uid));           // AffectedSOPClassUID
    append_element(elements, 0x0100, number(c_store_rq, 2));        // CommandField
    append_element(elements, 0x0110, number(message_id, 2));        // MessageID
    append_element(elements, 0x0700, number(priority_medium, 2));   // Priority
    append_element(elements, 0x0800, number(data_set_present, 2));  // CommandDataSetType
    append_element(elements, 0x1000, uid(sop_instance_uid));        // AffectedSOPInstanceUID
    std::string command;
    append_element(command, 0x0000, number(static_cast<std::uint32_t>(elements.size()), 4));  // CommandGroupLength
    return command + elements;
}

}  // namespace quicksilver::dicom
