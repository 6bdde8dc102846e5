#include "command_set.hpp"

#include <algorithm>

namespace quicksilver::dicom {

namespace {

constexpr std::uint16_t priority_medium = 0x0000;
constexpr std::uint16_t data_set_present = 0x0001;
constexpr std::uint16_t data_set_absent = 0x0101;
constexpr std::size_t error_comment_max = 64;

/// Elements of group 0000 (PS3.7 annex E).
enum Element : std::uint16_t {
    group_length = 0x0000,
    affected_sop_class_uid = 0x0002,
    command_field_element = 0x0100,
    message_id = 0x0110,
    message_id_being_responded_to = 0x0120,
    priority = 0x0700,
    command_data_set_type = 0x0800,
    status = 0x0900,
    error_comment = 0x0902,
    affected_sop_instance_uid = 0x1000,
};

void append_number(std::string& out, std::uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
}

void append_element(std::string& out, Element element, std::string_view value, char padding) {
    const bool is_odd = value.size() % 2 != 0;
    append_number(out, 0x0000, 2);
    append_number(out, element, 2);
    append_number(out, static_cast<std::uint32_t>(value.size() + (is_odd ? 1 : 0)), 4);
    out += value;
    if (is_odd) out += padding;
}

void append_uid(std::string& out, Element element, std::string_view uid) {
    append_element(out, element, uid, '\0');
}

void append_us(std::string& out, Element element, std::uint16_t value) {
    std::string bytes;
    append_number(bytes, value, 2);
    append_element(out, element, bytes, '\0');
}

std::uint32_t number(std::string_view bytes) {
    std::uint32_t value = 0;
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte)
        value = value << 8 | static_cast<unsigned char>(*byte);
    return value;
}

std::string text(std::string_view bytes) {
    const auto end = bytes.find_last_not_of(std::string_view("\0 ", 2));
    return std::string(bytes.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

/// False for a number that does not have the size of its type.
bool take(CommandSet& command, std::uint16_t element, std::string_view value) {
    const auto take_us = [value](std::uint16_t& target) {
        if (value.size() != 2) return false;
        target = static_cast<std::uint16_t>(number(value));
        return true;
    };
    switch (element) {
        case affected_sop_class_uid:
            command.sop_class_uid = text(value);
            return true;
        case affected_sop_instance_uid:
            command.sop_instance_uid = text(value);
            return true;
        case error_comment:
            command.error_comment = text(value);
            return true;
        case command_field_element:
            return take_us(command.command_field);
        case message_id:
        case message_id_being_responded_to:
            return take_us(command.message_id);
        case status:
            return take_us(command.status);
        case command_data_set_type: {
            std::uint16_t type = data_set_absent;
            if (!take_us(type)) return false;
            command.has_data_set = type != data_set_absent;
            return true;
        }
        default:
            return true;
    }
}

}  // namespace

CommandSet response_to(const CommandSet& request, std::uint16_t field, std::uint16_t status) {
    CommandSet response;
    response.command_field = field;
    response.message_id = request.message_id;
    response.status = status;
    response.sop_class_uid = request.sop_class_uid;
    response.sop_instance_uid = request.sop_instance_uid;
    return response;
}

std::string encode_command(const CommandSet& command) {
    std::string elements;
    append_uid(elements, affected_sop_class_uid, command.sop_class_uid);
    append_us(elements, command_field_element, command.command_field);
    append_us(elements, command.is_response() ? message_id_being_responded_to : message_id, command.message_id);
    if (command.command_field == command_field::c_store_rq) append_us(elements, priority, priority_medium);
    append_us(elements, command_data_set_type, command.has_data_set ? data_set_present : data_set_absent);
    if (command.is_response()) append_us(elements, status, command.status);
    if (!command.error_comment.empty()) {
        // An LO: 64 characters, no backslash.
        std::string comment = command.error_comment.substr(0, error_comment_max);
        std::replace(comment.begin(), comment.end(), '\\', '/');
        append_element(elements, error_comment, comment, ' ');
    }
    if (!command.sop_instance_uid.empty()) {
        append_uid(elements, affected_sop_instance_uid, command.sop_instance_uid);
    }
    std::string length;
    append_number(length, static_cast<std::uint32_t>(elements.size()), 4);
    std::string encoded;
    append_element(encoded, group_length, length, '\0');
    return encoded + elements;
}

Result<CommandSet> decode_command(std::string_view bytes) {
    constexpr std::size_t header = 8;
    CommandSet command;
    bool has_command_field = false;
    while (!bytes.empty()) {
        if (bytes.size() < header) return Error{Errc::invalid, "the command set is cut off"};
        if (number(bytes.substr(0, 2)) != 0)
            return Error{Errc::invalid, "an element of the command set is not of group 0000"};
        const auto element = static_cast<std::uint16_t>(number(bytes.substr(2, 2)));
        const std::size_t length = number(bytes.substr(4, 4));
        if (length > bytes.size() - header) return Error{Errc::invalid, "an element of the command set is cut off"};
        if (!take(command, element, bytes.substr(header, length))) {
            return Error{Errc::invalid, "a number of the command set does not have 2 bytes"};
        }
        has_command_field |= element == command_field_element;
        bytes.remove_prefix(header + length);
    }
    if (!has_command_field) return Error{Errc::invalid, "the command set has no CommandField"};
    return command;
}

}  // namespace quicksilver::dicom
