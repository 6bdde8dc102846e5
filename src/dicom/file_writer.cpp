#include "file_writer.hpp"

#include "pixel_tail.hpp"

#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcostrma.h>
#include <dcmtk/dcmdata/dcwcache.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/sendfile.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace quicksilver::dicom {

namespace {

constexpr std::size_t preamble_bytes = 128;
constexpr std::size_t buffer_bytes = 256 * 1024;

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() { (void)close(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int number() const { return number_; }
    int close() { return number_ < 0 ? 0 : ::close(std::exchange(number_, -1)); }

private:
    int number_;
};

/// Takes the bytes that DCMTK encodes and puts them into a file; remembers the first error of the system.
class FileConsumer final : public DcmConsumer {
public:
    explicit FileConsumer(int descriptor) : descriptor_(descriptor) { buffer_.reserve(buffer_bytes); }

    OFBool good() const override { return error_ == 0; }
    OFCondition status() const override { return error_ == 0 ? EC_Normal : EC_InvalidStream; }
    OFBool isFlushed() const override { return buffer_.empty(); }
    offile_off_t avail() const override { return buffer_bytes; }
    offile_off_t write(const void* bytes, offile_off_t count) override {
        const auto* from = static_cast<const char*>(bytes);
        const auto size = static_cast<std::size_t>(count);
        // What a file of another kind hid in the preamble points to places that have moved.
        const std::size_t blank = std::min(size, preamble_bytes - std::min(written_, preamble_bytes));
        written_ += size;
        if (buffer_.size() + size > buffer_bytes) flush();
        if (size >= buffer_bytes) {
            put(from, size);
        } else {
            buffer_.insert(buffer_.end(), blank, '\0');
            buffer_.insert(buffer_.end(), from + blank, from + size);
        }
        return error_ == 0 ? count : 0;
    }
    void flush() override {
        put(buffer_.data(), buffer_.size());
        buffer_.clear();
    }

    int error() const { return error_; }

private:
    void put(const char* bytes, std::size_t count) {
        while (count > 0 && error_ == 0) {
            const ssize_t done = ::write(descriptor_, bytes, count);
            if (done < 0 && errno == EINTR) continue;
            if (done <= 0) {
                error_ = done < 0 ? errno : EIO;
                return;
            }
            bytes += done;
            count -= static_cast<std::size_t>(done);
        }
    }

    const int descriptor_;
    std::vector<char> buffer_;
    std::size_t written_ = 0;
    int error_ = 0;
};

class FileStream final : public DcmOutputStream {
public:
    explicit FileStream(FileConsumer& consumer) : DcmOutputStream(&consumer) {}
};

Error system_error(const std::filesystem::path& file, int number) {
    Errc code = number == ENOSPC || number == EDQUOT ? Errc::no_space : Errc::io;
    if (number == EEXIST) code = Errc::already_exists;
    return Error{code, fmt::format("cannot write {}: {}", file.string(), std::generic_category().message(number))};
}

OFCondition write_content(DcmFileFormat& content, FileConsumer& consumer) {
    FileStream stream(consumer);
    DcmWriteCache cache;
    content.transferInit();
    const OFCondition written = content.write(stream, content.getDataset()->getOriginalXfer(), EET_ExplicitLength,
                                              &cache, EGL_recalcGL, EPD_noChange, 0, 0, 0, EWM_updateMeta);
    content.transferEnd();
    stream.flush();
    consumer.flush();
    return written;
}

/// All but the pixel data, which stays with the data set.
OFCondition write_head(DcmFileFormat& content, FileConsumer& consumer) {
    DcmDataset& data_set = *content.getDataset();
    std::unique_ptr<DcmElement> pixels(data_set.remove(DCM_PixelData));
    const OFCondition written = write_content(content, consumer);
    const OFCondition back = data_set.insert(pixels.get());
    if (back.good()) (void)pixels.release();
    return written.good() ? back : written;
}

/// Appends bytes of another file, within the kernel where it can do that. Returns the number of the error, or 0.
int append(int to, int from, PixelTail tail) {
    auto offset = static_cast<off64_t>(tail.offset);
    while (tail.bytes > 0) {
        ssize_t copied = ::copy_file_range(from, &offset, to, nullptr, tail.bytes, 0);
        // Not between these file systems.
        if (copied < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
            copied = ::sendfile(to, from, &offset, tail.bytes);
        }
        if (copied < 0 && errno == EINTR) continue;
        if (copied <= 0) return copied < 0 ? errno : EIO;
        tail.bytes -= static_cast<std::uint64_t>(copied);
    }
    return 0;
}

}  // namespace

Result<void> write_new_file(DcmFileFormat& content, const std::filesystem::path& loaded_from,
                            const std::filesystem::path& to) {
    const Descriptor source(::open(loaded_from.c_str(), O_RDONLY | O_CLOEXEC));
    Descriptor file(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.number() < 0) return system_error(to, errno);
    const auto tail = source.number() >= 0 ? find_pixel_tail(*content.getDataset(), source.number()) : std::nullopt;
    FileConsumer consumer(file.number());
    const OFCondition written = tail ? write_head(content, consumer) : write_content(content, consumer);
    int failure = consumer.error();
    if (tail && failure == 0 && written.good()) failure = append(file.number(), source.number(), *tail);
    if (file.close() != 0 && failure == 0) failure = errno;
    if (failure == 0 && written.good()) return {};
    ::unlink(to.c_str());
    if (failure != 0) return system_error(to, failure);
    return Error{Errc::invalid, fmt::format("cannot write {}: {}", to.string(), written.text())};
}

}  // namespace quicksilver::dicom
