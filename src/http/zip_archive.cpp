#include "quicksilver/http/zip_archive.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <stdexcept>
#include <unistd.h>

namespace quicksilver {

namespace {

constexpr std::uint64_t header_bytes = 30;
constexpr std::uint64_t descriptor_bytes = 16;
constexpr std::uint64_t directory_entry_bytes = 46;
constexpr std::uint64_t long_offset_bytes = 12;
constexpr std::uint64_t end_bytes = 22;
constexpr std::uint64_t long_end_bytes = 56 + 20;
constexpr std::uint64_t short_max = 0xFFFF'FFFE;
constexpr std::size_t entries_short_max = 0xFFFE;
// Bit 3: size and checksum follow the data. Bit 11: names are UTF-8.
constexpr std::uint16_t flags = 0x0808;

/// Little-endian, as all of the format.
class Bytes {
public:
    Bytes& u16(std::uint64_t value) { return number(value, 2); }
    Bytes& u32(std::uint64_t value) { return number(value, 4); }
    Bytes& u64(std::uint64_t value) { return number(value, 8); }
    Bytes& text(const std::string& value) {
        text_ += value;
        return *this;
    }
    std::string take() { return std::move(text_); }

private:
    Bytes& number(std::uint64_t value, int bytes) {
        for (int n = 0; n < bytes; ++n) text_ += static_cast<char>(value >> (8 * n) & 0xFF);
        return *this;
    }
    std::string text_;
};

/// MS-DOS date and time in UTC; nothing before 1980.
std::uint64_t dos_time(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    if (utc.tm_year < 80) return 0x0021'0000;
    const int date = (utc.tm_year - 80) << 9 | (utc.tm_mon + 1) << 5 | utc.tm_mday;
    const int clock = utc.tm_hour << 11 | utc.tm_min << 5 | utc.tm_sec / 2;
    return static_cast<std::uint64_t>(date) << 16 | static_cast<std::uint64_t>(clock);
}

bool is_long(std::uint64_t offset) {
    return offset > short_max;
}

std::uint32_t add_to_checksum(std::uint32_t checksum, const std::string& bytes) {
    // crc32_z takes any length and does not change what it reads.
    return static_cast<std::uint32_t>(::crc32_z(checksum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace

ZipArchive::ZipArchive(std::vector<File> files) {
    for (File& file : files) {
        Placed placed;
        placed.begin = size_;
        placed.data = size_ + header_bytes + file.name.size();
        size_ = placed.data + file.bytes + descriptor_bytes;
        placed.file = std::move(file);
        placed_.push_back(std::move(placed));
    }
    directory_begin_ = size_;
    for (const Placed& placed : placed_) {
        size_ += directory_entry_bytes + placed.file.name.size();
        if (is_long(placed.begin)) size_ += long_offset_bytes;
    }
    if (is_long(directory_begin_) || placed_.size() > entries_short_max) size_ += long_end_bytes;
    size_ += end_bytes;
}

std::string ZipArchive::read(std::uint64_t from, std::size_t max) {
    if (from >= size_) return "";
    if (from >= directory_begin_) {
        if (directory_.empty()) directory_ = directory();
        return directory_.substr(from - directory_begin_, max);
    }
    const auto behind = std::ranges::upper_bound(placed_, from, {}, &Placed::begin);
    Placed& placed = *std::prev(behind);
    if (from < placed.data) return header(placed).substr(from - placed.begin, max);
    const std::uint64_t end = placed.data + placed.file.bytes;
    if (from < end) return read_file(placed, from - placed.data, std::min<std::uint64_t>(max, end - from));
    return descriptor(placed).substr(from - end, max);
}

bool ZipArchive::prepare(std::uint64_t from) {
    std::uint64_t left = prepared_at_once;
    return std::ranges::all_of(placed_, [&](Placed& placed) {
        const std::uint64_t end = placed.data + placed.file.bytes;
        const bool is_descriptor = from >= end && from < end + descriptor_bytes;
        return (from < directory_begin_ && !is_descriptor) || sum(placed, left);
    });
}

std::string ZipArchive::header(const Placed& placed) const {
    const std::string& name = placed.file.name;
    Bytes bytes;
    bytes.u32(0x0403'4b50).u16(20).u16(flags).u16(0).u32(dos_time(placed.file.modified));
    bytes.u32(0).u32(0).u32(0).u16(name.size()).u16(0).text(name);
    return bytes.take();
}

std::string ZipArchive::descriptor(Placed& placed) {
    Bytes bytes;
    bytes.u32(0x0807'4b50).u32(checksum(placed)).u32(placed.file.bytes).u32(placed.file.bytes);
    return bytes.take();
}

std::string ZipArchive::directory_entry(Placed& placed) {
    const std::string& name = placed.file.name;
    const bool far = is_long(placed.begin);
    Bytes bytes;
    bytes.u32(0x0201'4b50).u16(far ? 45 : 20).u16(far ? 45 : 20).u16(flags).u16(0);
    bytes.u32(dos_time(placed.file.modified)).u32(checksum(placed));
    bytes.u32(placed.file.bytes).u32(placed.file.bytes);
    bytes.u16(name.size()).u16(far ? long_offset_bytes : 0).u16(0).u16(0).u16(0).u32(0);
    bytes.u32(far ? 0xFFFF'FFFF : placed.begin).text(name);
    if (far) bytes.u16(1).u16(8).u64(placed.begin);
    return bytes.take();
}

std::string ZipArchive::directory() {
    std::string all;
    for (Placed& placed : placed_) all += directory_entry(placed);
    const std::uint64_t length = all.size();
    const std::uint64_t count = placed_.size();
    const bool far = is_long(directory_begin_) || count > entries_short_max;
    Bytes bytes;
    if (far) {
        bytes.u32(0x0606'4b50).u64(44).u16(45).u16(45).u32(0).u32(0).u64(count).u64(count);
        bytes.u64(length).u64(directory_begin_);
        bytes.u32(0x0706'4b50).u32(0).u64(directory_begin_ + length).u32(1);
    }
    const std::uint64_t shown = std::min<std::uint64_t>(count, 0xFFFF);
    bytes.u32(0x0605'4b50).u16(0).u16(0).u16(far ? 0xFFFF : shown).u16(far ? 0xFFFF : shown);
    bytes.u32(far ? 0xFFFF'FFFF : length).u32(far ? 0xFFFF'FFFF : directory_begin_).u16(0);
    return all + bytes.take();
}

std::string ZipArchive::read_file(Placed& placed, std::uint64_t from, std::size_t max) {
    const std::string path = placed.file.path.string();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error(fmt::format("cannot open {}", path));
    std::string bytes(max, '\0');
    const ssize_t got = ::pread(fd, bytes.data(), max, static_cast<off_t>(from));
    ::close(fd);
    if (got <= 0) throw std::runtime_error(fmt::format("{} has become shorter, or cannot be read", path));
    bytes.resize(static_cast<std::size_t>(got));
    if (from == placed.summed) {
        placed.running = add_to_checksum(placed.running, bytes);
        placed.summed += bytes.size();
    }
    return bytes;
}

std::uint32_t ZipArchive::checksum(Placed& placed) {
    std::uint64_t no_limit = UINT64_MAX;
    sum(placed, no_limit);
    return placed.running;
}

/// The checksum is for the most part known from what was sent; what was skipped is read for it. False after `left`.
bool ZipArchive::sum(Placed& placed, std::uint64_t& left) {
    constexpr std::uint64_t piece = 1 << 20;
    while (placed.summed < placed.file.bytes) {
        if (left == 0) return false;
        read_file(placed, placed.summed, std::min<std::uint64_t>(piece, placed.file.bytes - placed.summed));
        left -= std::min(left, piece);
    }
    return true;
}

}  // namespace quicksilver
