#include "quicksilver/store/file_ops.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace {

constexpr mode_t file_mode = 0664;
constexpr mode_t folder_mode = 0775;

Errc code_of(int error_number) {
    switch (error_number) {
        case ENOSPC:
        case EDQUOT:
            return Errc::no_space;
        case ENOENT:
            return Errc::not_found;
        case EEXIST:
        case ENOTEMPTY:
            return Errc::already_exists;
        default:
            return Errc::io;
    }
}

class PosixFileOps final : public FileOps {
public:
    Result<OpenFile> create(const std::filesystem::path& path) override {
        return open(path, "create", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
    }

    Result<OpenFile> open_append(const std::filesystem::path& path) override {
        return open(path, "open", O_RDWR | O_CREAT | O_APPEND);
    }

    Result<OpenFile> open_to_sync(const std::filesystem::path& path) override {
        return open(path, "open", O_RDONLY | O_NOFOLLOW);
    }

    Result<OpenFile> open_folder(const std::filesystem::path& path) override {
        return open(path, "open the folder", O_RDONLY | O_DIRECTORY);
    }

    Result<void> write(OpenFile& file, std::string_view bytes) override {
        while (!bytes.empty()) {
            const ssize_t written = ::write(file.descriptor(), bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return file_error("write", file.path(), errno);
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }

    Result<void> write_at(OpenFile& file, std::string_view bytes, std::uint64_t offset) override {
        while (!bytes.empty()) {
            const ssize_t written = ::pwrite(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return file_error("write", file.path(), errno);
            bytes.remove_prefix(static_cast<std::size_t>(written));
            offset += static_cast<std::uint64_t>(written);
        }
        return {};
    }

    Result<void> sync(OpenFile& file) override {
        if (::fsync(file.descriptor()) != 0) return file_error("sync", file.path(), errno);
        return {};
    }

    Result<void> sync_data(OpenFile& file) override {
        if (::fdatasync(file.descriptor()) != 0) return file_error("sync", file.path(), errno);
        return {};
    }

    Result<void> close(OpenFile& file) override {
        const std::filesystem::path path = file.path();
        // After EINTR Linux has closed the descriptor all the same.
        if (::close(file.release()) != 0 && errno != EINTR) return file_error("close", path, errno);
        return {};
    }

    Result<Placed> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        if (::rename(from.c_str(), to.c_str()) == 0) return Placed::done;
        if (errno == EXDEV) return Placed::needs_copy;
        return file_error(fmt::format("rename {} to", from.string()), to, errno);
    }

    Result<Placed> link(const std::filesystem::path& from, const std::filesystem::path& to) override {
        if (::link(from.c_str(), to.c_str()) == 0) return Placed::done;
        // EPERM: the file system has no links, or the kernel protects files of other users.
        if (errno == EXDEV || errno == EMLINK || errno == EPERM) return Placed::needs_copy;
        return file_error(fmt::format("link {} to", from.string()), to, errno);
    }

    Result<void> unlink(const std::filesystem::path& path) override {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return file_error("remove", path, errno);
        return {};
    }

    Result<void> make_folder(const std::filesystem::path& path) override {
        if (::mkdir(path.c_str(), folder_mode) != 0) return file_error("make the folder", path, errno);
        return {};
    }

    Result<void> remove_folder(const std::filesystem::path& path) override {
        if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return file_error("remove the folder", path, errno);
        return {};
    }

    Result<void> sync_folder(const std::filesystem::path& path) override {
        auto folder = open_folder(path);
        if (!folder) return std::move(folder).error();
        return sync(*folder);
    }

private:
    static Result<OpenFile> open(const std::filesystem::path& path, std::string_view doing, int flags) {
        const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, file_mode);
        if (descriptor < 0) return file_error(doing, path, errno);
        return OpenFile(descriptor, path);
    }
};

}  // namespace

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
    if (this != &other) {
        if (is_open()) ::close(descriptor_);
        descriptor_ = std::exchange(other.descriptor_, -1);
        path_ = std::move(other.path_);
    }
    return *this;
}

OpenFile::~OpenFile() {
    if (is_open()) ::close(descriptor_);
}

int OpenFile::release() {
    return std::exchange(descriptor_, -1);
}

std::unique_ptr<FileOps> make_file_ops() {
    return std::make_unique<PosixFileOps>();
}

void begin_to_sync(const std::filesystem::path& file) {
    const OpenFile opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW), file);
    if (opened.is_open()) (void)::sync_file_range(opened.descriptor(), 0, 0, SYNC_FILE_RANGE_WRITE);
}

bool path_exists(const std::filesystem::path& path) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(path, ignored));
}

Error file_error(std::string_view doing, const std::filesystem::path& path, int error_number) {
    return Error{code_of(error_number),
                 fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(error_number))};
}

}  // namespace quicksilver
