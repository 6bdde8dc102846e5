#include "quicksilver/dicom/file_meta.hpp"

#include "file_hash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>
#include <vector>

namespace quicksilver::dicom {

namespace {

// Ours, below the root that DICOM reserves for UUIDs (PS3.5 §B.2); fixed for ever, because files carry them.
constexpr std::string_view implementation_class_uid = "2.25.142898729838014280126083394726164543647";
constexpr std::string_view private_information_creator_uid = "2.25.253067327595175843590482419565068589851";
constexpr std::string_view implementation_version = "QUICKSILVER_1";

constexpr std::string_view checksum_magic = "QSX1";
constexpr std::size_t checksum_length = 20;  // magic, bytes, hash
constexpr std::size_t preamble_length = 128;
constexpr std::size_t head_length = 64 * 1024;  // far more than any file meta information

void append_u16(std::string& out, std::uint16_t value) {
    out += static_cast<char>(value & 0xff);
    out += static_cast<char>(value >> 8);
}

void append_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

void append_u64(std::string& out, std::uint64_t value) {
    for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

/// One element of group 0002 with a 16 bit length, padded to even length (PS3.5 §7.1.2).
void append_element(std::string& out, std::uint16_t element, std::string_view vr, std::string_view value) {
    const char padding = vr == "UI" ? '\0' : ' ';
    const bool odd = value.size() % 2 != 0;
    append_u16(out, 0x0002);
    append_u16(out, element);
    out += vr;
    append_u16(out, static_cast<std::uint16_t>(value.size() + (odd ? 1 : 0)));
    out += value;
    if (odd) out += padding;
}

/// One element of group 0002 with a 32 bit length.
void append_long_element(std::string& out, std::uint16_t element, std::string_view vr, std::string_view value) {
    const bool odd = value.size() % 2 != 0;
    append_u16(out, 0x0002);
    append_u16(out, element);
    out += vr;
    append_u16(out, 0);
    append_u32(out, static_cast<std::uint32_t>(value.size() + (odd ? 1 : 0)));
    out += value;
    if (odd) out += ' ';
}

std::uint64_t read_number(std::span<const std::byte> bytes, std::size_t offset, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= std::to_integer<std::uint64_t>(bytes[offset + i]) << (8 * i);
    return value;
}

std::string trimmed(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return std::string(text);
}

std::optional<DataSetChecksum> parse_checksum(std::string_view value) {
    if (value.size() != checksum_length || value.substr(0, checksum_magic.size()) != checksum_magic)
        return std::nullopt;
    const auto bytes = std::as_bytes(std::span(value));
    return DataSetChecksum{read_number(bytes, 4, 8), read_number(bytes, 12, 8)};
}

void take_element(FileMeta& meta, std::uint16_t element, std::string_view value) {
    switch (element) {
        case 0x0002:
            meta.sop_class_uid = trimmed(value);
            break;
        case 0x0003:
            meta.sop_instance_uid = trimmed(value);
            break;
        case 0x0010:
            meta.transfer_syntax_uid = trimmed(value);
            break;
        case 0x0016:
            meta.source_ae = trimmed(value);
            break;
        case 0x0017:
            meta.peer.calling_ae = trimmed(value);
            break;
        case 0x0018:
            meta.peer.called_ae = trimmed(value);
            break;
        case 0x0026:
            meta.peer.address = trimmed(value);
            break;
        case 0x0102:
            meta.checksum = parse_checksum(value);
            break;
        default:
            break;
    }
}

bool has_long_length(std::string_view vr) {
    return vr == "OB" || vr == "OW" || vr == "UN" || vr == "UR" || vr == "UT";
}

class FileHandle {
public:
    explicit FileHandle(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~FileHandle() {
        if (fd_ >= 0) ::close(fd_);
    }
    FileHandle(const FileHandle&) = delete;
    FileHandle& operator=(const FileHandle&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

Error cannot_read(const std::filesystem::path& file) {
    return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno))};
}

}  // namespace

EncodedFileMeta encode_file_meta(const InstanceIdentity& identity, const Peer& peer) {
    std::string group;
    append_long_element(group, 0x0001, "OB", std::string_view("\0\1", 2));
    append_element(group, 0x0002, "UI", identity.sop_class_uid);
    append_element(group, 0x0003, "UI", identity.sop_instance_uid);
    append_element(group, 0x0010, "UI", identity.transfer_syntax_uid);
    append_element(group, 0x0012, "UI", implementation_class_uid);
    append_element(group, 0x0013, "SH", implementation_version);
    append_element(group, 0x0016, "AE", peer.calling_ae);
    append_element(group, 0x0017, "AE", peer.calling_ae);
    append_element(group, 0x0018, "AE", peer.called_ae);
    append_long_element(group, 0x0026, "UR", peer.address);
    append_element(group, 0x0100, "UI", private_information_creator_uid);
    append_long_element(group, 0x0102, "OB", std::string(checksum_length, '\0'));

    EncodedFileMeta encoded;
    encoded.bytes.assign(preamble_length, '\0');
    encoded.bytes += "DICM";
    append_u16(encoded.bytes, 0x0002);
    append_u16(encoded.bytes, 0x0000);
    encoded.bytes += "UL";
    append_u16(encoded.bytes, 4);
    append_u32(encoded.bytes, static_cast<std::uint32_t>(group.size()));
    encoded.bytes += group;
    encoded.checksum_offset = encoded.bytes.size() - checksum_length;
    return encoded;
}

std::string encode_checksum(const DataSetChecksum& checksum) {
    std::string out(checksum_magic);
    append_u64(out, checksum.bytes);
    append_u64(out, checksum.hash);
    return out;
}

Result<FileMeta> parse_file_meta(std::span<const std::byte> head) {
    constexpr std::size_t group_length_end = preamble_length + 4 + 12;
    const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
    if (text.size() < group_length_end || text.substr(preamble_length, 4) != "DICM") {
        return Error{Errc::invalid, "not a DICOM file: no preamble and \"DICM\""};
    }
    const std::string_view group_length = text.substr(preamble_length + 4, 8);
    if (group_length != std::string_view("\2\0\0\0UL\4\0", 8)) {
        return Error{Errc::invalid, "file meta information without its group length (0002,0000)"};
    }
    const std::uint64_t end = group_length_end + read_number(head, preamble_length + 4 + 8, 4);
    if (end > text.size()) return Error{Errc::invalid, "file meta information is cut off"};

    FileMeta meta;
    meta.data_set_offset = end;
    std::size_t at = group_length_end;
    while (at + 8 <= end) {
        const auto group = read_number(head, at, 2);
        const auto element = static_cast<std::uint16_t>(read_number(head, at + 2, 2));
        const bool is_long = has_long_length(text.substr(at + 4, 2));
        const std::size_t value_at = at + (is_long ? 12 : 8);
        if (group != 0x0002 || value_at > end) return Error{Errc::invalid, "file meta information is damaged"};
        const std::uint64_t length = is_long ? read_number(head, at + 8, 4) : read_number(head, at + 6, 2);
        if (length > end - value_at) return Error{Errc::invalid, "file meta information is damaged"};
        take_element(meta, element, text.substr(value_at, length));
        at = value_at + length;
    }
    if (meta.transfer_syntax_uid.empty()) {
        return Error{Errc::invalid, "file meta information without TransferSyntaxUID (0002,0010)"};
    }
    return meta;
}

Result<FileMeta> read_file_meta(const std::filesystem::path& file) {
    const FileHandle handle(file);
    if (handle.get() < 0) return cannot_read(file);
    // Most file meta information ends within the first page.
    std::vector<std::byte> head(4096);
    for (;;) {
        const ssize_t got = ::pread(handle.get(), head.data(), head.size(), 0);
        if (got < 0) return cannot_read(file);
        const bool all = static_cast<std::size_t>(got) < head.size() || head.size() >= head_length;
        auto meta = parse_file_meta(std::span(head).first(static_cast<std::size_t>(got)));
        if (meta || all) {
            if (!meta) return Error{meta.error().code, file.string() + ": " + meta.error().message};
            return meta;
        }
        head.resize(head_length);
    }
}

Result<bool> is_whole(const std::filesystem::path& file) {
    const auto meta = read_file_meta(file);
    if (!meta) {
        if (meta.error().code == Errc::io) return meta.error();
        return false;
    }
    if (!meta->checksum) return true;
    const FileHandle handle(file);
    if (handle.get() < 0) return cannot_read(file);
    DataSetHash hash;
    std::vector<std::byte> buffer(1 << 20);
    std::uint64_t at = meta->data_set_offset;
    for (;;) {
        const ssize_t got = ::pread(handle.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
        if (got < 0) return cannot_read(file);
        if (got == 0) break;
        hash.add(std::span(buffer).first(static_cast<std::size_t>(got)));
        at += static_cast<std::uint64_t>(got);
    }
    return hash.checksum() == *meta->checksum;
}

}  // namespace quicksilver::dicom
