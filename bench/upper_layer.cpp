#include "upper_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace quicksilver::bench {

namespace {

constexpr std::size_t pdu_header_length = 6;
constexpr std::uint32_t our_max_pdu = 131072;
constexpr char context_id = 1;

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error(errno == 0 ? what : fmt::format("{}: {}", what, std::strerror(errno)));
}

/// PDUs are big endian …
void append_number(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
}
/// … commands are little endian.
void append_element(std::string& out, std::uint16_t element, const std::string& value) {
    for (const std::uint64_t part : {std::uint64_t{element} << 16, std::uint64_t{value.size()}}) {
        for (int i = 0; i < 4; ++i) out += static_cast<char>(part >> (8 * i));
    }
    out += value;
}
std::string us(std::uint16_t value) {
    return {static_cast<char>(value & 0xff), static_cast<char>(value >> 8)};
}
std::string even(std::string uid) {
    if (uid.size() % 2 != 0) uid += '\0';
    return uid;
}

std::string item(char type, const std::string& content) {
    std::string out{type, 0};
    append_number(out, content.size(), 2);
    return out + content;
}

std::uint64_t number_at(const std::string& text, std::size_t at, std::size_t bytes) {
    if (at + bytes > text.size()) throw std::runtime_error("the peer sent a PDU that is too short");
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<unsigned char>(text[at + i]);
    return value;
}

/// The command set of a C-STORE-RQ (PS3.7 §9.3.1.1).
std::string store_request(const dicom::FileMeta& meta, std::uint16_t message_id) {
    std::string elements;
    append_element(elements, 0x0002, even(meta.sop_class_uid));
    append_element(elements, 0x0100, us(0x0001));
    append_element(elements, 0x0110, us(message_id));
    append_element(elements, 0x0700, us(0));
    append_element(elements, 0x0800, us(0x0001));
    append_element(elements, 0x1000, even(meta.sop_instance_uid));
    std::string command;
    const auto length = static_cast<std::uint16_t>(elements.size());
    append_element(command, 0x0000, us(length) + us(0));
    return command + elements;
}

std::uint64_t little_endian(const std::string& text, std::size_t at, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i > 0; --i) value = value << 8 | number_at(text, at + i - 1, 1);
    return value;
}

/// The Status (0000,0900) of the response in a P-DATA-TF with one fragment.
std::uint16_t status_of(const std::string& pdu) {
    constexpr std::size_t fragment_header_length = 6;
    for (std::size_t at = fragment_header_length; at < pdu.size(); at += 8 + little_endian(pdu, at + 4, 4)) {
        const bool is_status = little_endian(pdu, at, 2) == 0x0000 && little_endian(pdu, at + 2, 2) == 0x0900;
        if (is_status) return static_cast<std::uint16_t>(little_endian(pdu, at + 8, 2));
    }
    throw std::runtime_error("the peer's response has no status");
}

}  // namespace

Association::Association(const char* host, std::uint16_t port, const dicom::FileMeta& example)
    : sop_class_uid_(example.sop_class_uid), transfer_syntax_uid_(example.transfer_syntax_uid) {
    connect(host, port);
    request(example);
}

Association::~Association() {
    if (socket_ >= 0) ::close(socket_);
}

void Association::connect(const char* host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    if (::inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(fmt::format("{} is not an IPv4 address", host));
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        fail(fmt::format("cannot connect to {}:{}", host, port));
    }
}

void Association::request(const dicom::FileMeta& example) {
    std::string maximum;
    append_number(maximum, our_max_pdu, 4);
    const std::string context =
        std::string{context_id, 0, 0, 0} + item(0x30, example.sop_class_uid) + item(0x40, example.transfer_syntax_uid);
    std::string body;
    append_number(body, 1, 2);  // protocol version
    append_number(body, 0, 2);
    body += fmt::format("{:<16}{:<16}", "ANY-SCP", "BENCH");
    body.append(32, '\0');
    body += item(0x10, "1.2.840.10008.3.1.1.1") + item(0x20, context) +
            item(0x50, item(0x51, maximum) + item(0x52, "2.25.203919484129843750391982"));
    std::string pdu{1, 0};
    append_number(pdu, body.size(), 4);
    pdu += body;
    send_all(pdu.data(), pdu.size());

    if (receive_pdu() != 2) throw std::runtime_error("the peer rejects the association");
    longest_fragment_ = our_max_pdu - 6;
    for (std::size_t at = 68; at + 4 <= pdu_.size(); at += 4 + number_at(pdu_, at + 2, 2)) {
        if (pdu_[at] == 0x21 && number_at(pdu_, at + 6, 1) != 0) {
            throw std::runtime_error("the peer refuses the SOP class or the transfer syntax");
        }
        if (pdu_[at] == 0x50 && pdu_[at + 4] == 0x51) {
            const std::uint64_t peers = number_at(pdu_, at + 8, 4);
            if (peers != 0) longest_fragment_ = std::min<std::size_t>(longest_fragment_, peers - 6);
        }
    }
}

void Association::store(const Instance& instance) {
    if (instance.meta.sop_class_uid != sop_class_uid_ || instance.meta.transfer_syntax_uid != transfer_syntax_uid_) {
        throw std::runtime_error(instance.file.string() + " has another SOP class or transfer syntax than the first");
    }
    const std::string command = store_request(instance.meta, ++message_id_);
    message_.clear();
    const auto append_fragment = [this](char control, std::size_t length) {
        message_ += std::string{4, 0};
        append_number(message_, length + 6, 4);
        append_number(message_, length + 2, 4);
        message_ += context_id;
        message_ += control;
    };
    append_fragment(3, command.size());  // a command, the last fragment
    message_ += command;

    const std::size_t data_length = std::filesystem::file_size(instance.file) - instance.meta.data_set_offset;
    const int file = ::open(instance.file.c_str(), O_RDONLY | O_CLOEXEC);
    auto offset = static_cast<off_t>(instance.meta.data_set_offset);
    for (std::size_t left = data_length; left > 0;) {
        const std::size_t length = std::min(left, longest_fragment_);
        append_fragment(length == left ? 2 : 0, length);
        const std::size_t at = message_.size();
        message_.resize(at + length);
        if (::pread(file, message_.data() + at, length, offset) != static_cast<ssize_t>(length)) {
            fail(fmt::format("cannot read {}", instance.file.string()));
        }
        offset += static_cast<off_t>(length);
        left -= length;
    }
    ::close(file);
    send_all(message_.data(), message_.size());

    if (receive_pdu() != 4) throw std::runtime_error("the peer gave up the association");
    const std::uint16_t status = status_of(pdu_);
    if (status != 0) throw std::runtime_error(fmt::format("the peer answers with status 0x{:04X}", status));
}

void Association::release() {
    static const std::string pdu{5, 0, 0, 0, 0, 4, 0, 0, 0, 0};
    send_all(pdu.data(), pdu.size());
    receive_pdu();
}

void Association::send_all(const char* bytes, std::size_t count) const {
    while (count > 0) {
        const ssize_t sent = ::send(socket_, bytes, count, MSG_NOSIGNAL);
        if (sent < 0) fail("cannot send to the peer");
        bytes += sent;
        count -= static_cast<std::size_t>(sent);
    }
}

unsigned char Association::receive_pdu() {
    for (;;) {
        if (received_.size() >= pdu_header_length) {
            const std::size_t end = pdu_header_length + number_at(received_, 2, 4);
            if (received_.size() >= end) {
                const auto type = static_cast<unsigned char>(received_[0]);
                pdu_ = received_.substr(pdu_header_length, end - pdu_header_length);
                received_.erase(0, end);
                return type;
            }
        }
        char buffer[4096];
        errno = 0;
        const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
        if (got <= 0) fail("the peer closed the connection");
        received_.append(buffer, static_cast<std::size_t>(got));
    }
}

}  // namespace quicksilver::bench
