#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

namespace quicksilver {

/// An open file or folder; closes itself when it goes out of scope. Knows its path for error messages.
class OpenFile {
public:
    OpenFile() = default;
    OpenFile(int descriptor, std::filesystem::path path) : descriptor_(descriptor), path_(std::move(path)) {}
    OpenFile(OpenFile&& other) noexcept;
    OpenFile& operator=(OpenFile&& other) noexcept;
    ~OpenFile();

    int descriptor() const { return descriptor_; }
    const std::filesystem::path& path() const { return path_; }
    bool is_open() const { return descriptor_ >= 0; }
    /// Gives the descriptor away; the caller closes it.
    int release();

private:
    int descriptor_ = -1;
    std::filesystem::path path_;
};

/// What became of a rename or a link.
enum class Placed {
    done,
    needs_copy,  ///< EXDEV, and for links EMLINK and EPERM too: not possible here, only a copy will do
};

/// The system calls that durability depends on, so that tests can make each of them fail. Any thread.
/// Errors name the path and the system's reason; a full disk or quota is Errc::no_space.
class FileOps {
public:
    virtual ~FileOps() = default;

    /// A new file for writing. Errc::already_exists when the name is taken; never follows a link.
    virtual Result<OpenFile> create(const std::filesystem::path& path) = 0;
    /// A file to append to, made when absent.
    virtual Result<OpenFile> open_append(const std::filesystem::path& path) = 0;
    /// A file that need not be writable, to be synced.
    virtual Result<OpenFile> open_to_sync(const std::filesystem::path& path) = 0;
    /// A folder, to be synced later even if somebody renames it meanwhile.
    virtual Result<OpenFile> open_folder(const std::filesystem::path& path) = 0;

    /// Writes all of it.
    virtual Result<void> write(OpenFile& file, std::string_view bytes) = 0;
    virtual Result<void> write_at(OpenFile& file, std::string_view bytes, std::uint64_t offset) = 0;
    /// fsync, of a file or a folder. After a failure the content may be lost: write the file again, do not sync again.
    virtual Result<void> sync(OpenFile& file) = 0;
    /// fdatasync.
    virtual Result<void> sync_data(OpenFile& file) = 0;
    virtual Result<void> close(OpenFile& file) = 0;

    virtual Result<Placed> rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
    virtual Result<Placed> link(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
    /// A file that is not there counts as removed.
    virtual Result<void> unlink(const std::filesystem::path& path) = 0;
    /// Errc::already_exists when the name is taken.
    virtual Result<void> make_folder(const std::filesystem::path& path) = 0;
    /// An empty folder; one that is not there counts as removed.
    virtual Result<void> remove_folder(const std::filesystem::path& path) = 0;
    /// Opens the folder, fsyncs and closes it: makes the names in it durable.
    virtual Result<void> sync_folder(const std::filesystem::path& path) = 0;
};

/// The real ones.
std::unique_ptr<FileOps> make_file_ops();

/// Asks the system to begin writing a file to its disk, so that a sync later on waits less. Promises nothing.
void begin_to_sync(const std::filesystem::path& file);

/// Whether the name is taken; never throws.
bool path_exists(const std::filesystem::path& path);

/// "cannot <doing> <path>: <reason of errno>", with the code that fits the errno.
Error file_error(std::string_view doing, const std::filesystem::path& path, int error_number);

}  // namespace quicksilver
