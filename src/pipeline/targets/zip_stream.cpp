#include "zip_stream.hpp"

#include "http_steps.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sys/stat.h>

namespace quicksilver {

namespace {

constexpr std::size_t piece = 256 * 1024;
constexpr int file_mode = 0644;

}  // namespace

struct ZipStream::Archive {
    explicit Archive(Entries given) : entries(std::move(given)), zip(archive_write_new()), buffer(piece) {
        archive_write_set_format_zip(zip);
        // Medical images are compressed already, or by the connection; time matters more here.
        archive_write_zip_set_compression_store(zip);
        archive_write_set_bytes_per_block(zip, 0);
        archive_write_open(zip, this, nullptr, &Archive::on_write, nullptr);
    }
    ~Archive() { archive_write_free(zip); }
    Archive(const Archive&) = delete;
    Archive& operator=(const Archive&) = delete;

    static la_ssize_t on_write(archive*, void* user, const void* bytes, std::size_t count) {
        static_cast<Archive*>(user)->ready.append(static_cast<const char*>(bytes), count);
        return static_cast<la_ssize_t>(count);
    }

    Error failure() const {
        return Error{Errc::io, fmt::format("cannot make the ZIP archive: {}", archive_error_string(zip))};
    }

    /// Makes some more of the archive; false at its end.
    Result<bool> go_on() {
        if (file) {
            const auto got = file->read(buffer.data(), buffer.size());
            if (!got) return got.error();
            if (*got > 0) {
                if (archive_write_data(zip, buffer.data(), *got) < 0) return failure();
                return true;
            }
            file.reset();
        }
        if (next < entries.size()) return begin_entry(entries[next++]);
        if (ended) return false;
        ended = true;
        if (archive_write_close(zip) != ARCHIVE_OK) return failure();
        return true;
    }

    Result<bool> begin_entry(const Entries::value_type& given) {
        std::error_code error;
        const std::uint64_t size = std::filesystem::file_size(given.second, error);
        if (error) return Error{Errc::io, fmt::format("cannot read {}: {}", given.second.string(), error.message())};
        auto opened = file_source(given.second, 0, size);
        if (!opened) return opened.error();
        file = std::move(*opened);
        archive_entry* entry = archive_entry_new();
        archive_entry_set_pathname(entry, given.first.c_str());
        archive_entry_set_size(entry, static_cast<la_int64_t>(size));
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, file_mode);
        const int written = archive_write_header(zip, entry);
        archive_entry_free(entry);
        if (written != ARCHIVE_OK) return failure();
        return true;
    }

    Entries entries;
    archive* zip;
    std::vector<char> buffer;
    std::size_t next = 0;
    std::optional<HttpBodySource> file;
    bool ended = false;
    std::string ready;  // made and not read
};

ZipStream::ZipStream(Entries entries) : archive_(std::make_unique<Archive>(std::move(entries))) {}

ZipStream::~ZipStream() = default;

HttpBodySource ZipStream::source() {
    HttpBodySource source;
    source.read = [archive = archive_.get()](char* buffer, std::size_t size) -> Result<std::size_t> {
        while (archive->ready.empty()) {
            const auto more = archive->go_on();
            if (!more) return more.error();
            if (!*more) return std::size_t{0};
        }
        const std::size_t count = std::min(size, archive->ready.size());
        std::memcpy(buffer, archive->ready.data(), count);
        archive->ready.erase(0, count);
        return count;
    };
    return source;
}

}  // namespace quicksilver
