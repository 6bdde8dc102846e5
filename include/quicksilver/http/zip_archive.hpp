#pragma once

#include "quicksilver/core/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver {

/// A ZIP archive (APPNOTE 6.3) of files that are not compressed, made as it is read: its size is known before, and it
/// can be read from any place on, as HTTP ranges want it. Beyond 4 GB or 65,535 files in the 64-bit form; a single
/// file has less than 4 GB. Blocks; one thread at a time.
class ZipArchive {
public:
    struct File {
        std::filesystem::path path;
        std::string name;  ///< in the archive, UTF-8
        std::uint64_t bytes = 0;
        WallTime modified;
    };

    explicit ZipArchive(std::vector<File> files);

    std::uint64_t size() const { return size_; }
    /// Reads some of what is needed before `read` can answer from this place on: checksums of what was not sent. False
    /// when there is more of it, so that the thread can do something else between. Without it `read` does it all.
    bool prepare(std::uint64_t from);
    /// Up to `max` bytes from this place on; "" at the end. Throws std::runtime_error when a file is gone or has
    /// changed: what has been read then is no archive.
    std::string read(std::uint64_t from, std::size_t max);

    static constexpr std::uint64_t prepared_at_once = 16 << 20;  ///< bytes
    static constexpr std::uint64_t file_bytes_max = 0xFFFF'FFFE;

private:
    struct Placed {
        File file;
        std::uint64_t begin = 0;  ///< of its header
        std::uint64_t data = 0;
        std::uint32_t running = 0;  ///< checksum of the first `summed` bytes
        std::uint64_t summed = 0;
    };

    std::string header(const Placed& placed) const;
    std::string descriptor(Placed& placed);
    std::string directory();
    std::string directory_entry(Placed& placed);
    std::string read_file(Placed& placed, std::uint64_t from, std::size_t max);
    std::uint32_t checksum(Placed& placed);
    bool sum(Placed& placed, std::uint64_t& left);

    std::vector<Placed> placed_;
    std::uint64_t directory_begin_ = 0;
    std::uint64_t size_ = 0;
    std::string directory_;  // made once
};

}  // namespace quicksilver
