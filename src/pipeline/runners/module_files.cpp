#include "module_files.hpp"

#include "quicksilver/store/sent_log.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

Error failed(std::string_view doing, const fs::path& path) {
    const int reason = errno;
    return Error{reason == ENOSPC || reason == EDQUOT ? Errc::no_space : Errc::io,
                 fmt::format("cannot {} {}: {}", doing, path.string(), std::generic_category().message(reason))};
}

/// A default access list in the kernel's own form (acl(5)): everybody may do everything, and we by name. With such a
/// list new files ignore the umask of whoever makes them.
void set_default_access(const fs::path& folder) {
    struct Entry {
        std::uint16_t tag;
        std::uint16_t rights;
        std::uint32_t id;
    };
    constexpr std::uint16_t owner = 0x01, user = 0x02, group = 0x04, mask = 0x10, other = 0x20;
    constexpr std::uint16_t all = 7;
    constexpr std::uint32_t nobody = 0xffffffff;
    constexpr std::uint32_t version = 2;
    const std::array<Entry, 5> entries = {{{owner, all, nobody},
                                           {user, all, ::geteuid()},
                                           {group, all, nobody},
                                           {mask, all, nobody},
                                           {other, all, nobody}}};
    std::array<char, sizeof(version) + sizeof(entries)> bytes{};
    std::memcpy(bytes.data(), &version, sizeof(version));
    std::memcpy(bytes.data() + sizeof(version), entries.data(), sizeof(entries));
    // A file system without access lists only makes taking over harder.
    (void)::setxattr(folder.c_str(), "system.posix_acl_default", bytes.data(), bytes.size(), 0);
}

class TakeOver {
public:
    Result<void> folder(const fs::path& path) {
        std::vector<fs::path> entries;
        std::error_code error;
        for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
            entries.push_back(entry->path());
        }
        if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", path.string(), error.message())};
        for (const fs::path& entry : entries) {
            if (auto taken = one(entry); !taken) return taken;
        }
        return {};
    }

    std::vector<std::string> removed;

private:
    Result<void> one(const fs::path& path) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) return failed("read", path);
        if (S_ISDIR(status.st_mode)) {
            if (auto owned = own_folder(path, status); !owned) return owned;
            return folder(path);
        }
        if (S_ISREG(status.st_mode)) return own_file(path, status);
        if (::unlink(path.c_str()) != 0) return failed("remove", path);
        removed.push_back(path.filename());
        return {};
    }

    static bool is_ours(const struct stat& status) { return status.st_uid == ::geteuid(); }

    static Result<void> own_file(const fs::path& path, const struct stat& status) {
        if (!is_ours(status)) {
            if (::geteuid() != 0) return copy_in_place(path);
            if (::lchown(path.c_str(), ::geteuid(), ::getegid()) != 0) return failed("take over", path);
        }
        if ((status.st_mode & 07777) == 0644) return {};
        if (::chmod(path.c_str(), 0644) != 0) return failed("set the rights of", path);
        return {};
    }

    static Result<void> copy_in_place(const fs::path& path) {
        const fs::path copy = path.parent_path() / (".taking-" + path.filename().string());
        std::error_code error;
        fs::remove(copy, error);
        if (!fs::copy_file(path, copy, error)) {
            return Error{error == std::errc::no_space_on_device ? Errc::no_space : Errc::io,
                         fmt::format("the module wrote {} as another user, so that we cannot read it ({}): let the "
                                     "module give others the right to read, or run without requires_root",
                                     path.string(), error.message())};
        }
        if (::chmod(copy.c_str(), 0644) != 0) return failed("set the rights of", copy);
        if (::rename(copy.c_str(), path.c_str()) != 0) return failed("replace", path);
        return {};
    }

    static Result<void> own_folder(const fs::path& path, const struct stat& status) {
        if (!is_ours(status)) {
            if (::geteuid() != 0) return replace_folder(path);
            if (::lchown(path.c_str(), ::geteuid(), ::getegid()) != 0) return failed("take over", path);
        }
        if (::chmod(path.c_str(), 0755) != 0) return failed("set the rights of", path);
        return {};
    }

    /// A folder of our own with what was in theirs.
    static Result<void> replace_folder(const fs::path& path) {
        const fs::path theirs = path.parent_path() / (".taking-" + path.filename().string());
        if (::rename(path.c_str(), theirs.c_str()) != 0) return failed("take over", path);
        if (::mkdir(path.c_str(), 0755) != 0) return failed("make the folder", path);
        std::error_code error;
        std::vector<fs::path> entries;
        for (fs::directory_iterator entry(theirs, error), end; !error && entry != end; entry.increment(error)) {
            entries.push_back(entry->path());
        }
        for (const fs::path& entry : entries) {
            const fs::path to = path / entry.filename();
            if (::rename(entry.c_str(), to.c_str()) != 0) return failed("take over", entry);
        }
        if (::rmdir(theirs.c_str()) != 0) return failed("remove the folder", theirs);
        return {};
    }
};

/// Names that mean something to us in a task's folder: a module does not decide what was sent, or what is locked.
Result<void> remove_what_is_ours(const fs::path& out, std::vector<std::string>& removed) {
    std::vector<fs::path> ours;
    std::error_code error;
    for (fs::directory_iterator entry(out, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (name.front() == '.' || name == SentLog::file_name) ours.push_back(entry->path());
    }
    for (const fs::path& path : ours) {
        if (!error) fs::remove_all(path, error);
        removed.push_back(path.filename());
    }
    if (!error) return {};
    return Error{Errc::io, fmt::format("cannot remove what the module left in {}: {}", out.string(), error.message())};
}

}  // namespace

Result<void> open_to_module(const fs::path& in, const fs::path& out) {
    for (const fs::path& folder : {in, out}) {
        if (::chmod(folder.c_str(), 0777) != 0) return failed("set the rights of", folder);
    }
    set_default_access(out);
    std::error_code error;
    for (fs::directory_iterator entry(in, error), end; !error && entry != end; entry.increment(error)) {
        struct stat status {};
        if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        // Others share this file: changed here, it would be changed everywhere.
        const mode_t mode = status.st_nlink > 1 ? 0444 : 0666;
        if ((status.st_mode & 07777) == mode) continue;
        if (::chmod(entry->path().c_str(), mode) != 0) return failed("set the rights of", entry->path());
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", in.string(), error.message())};
    return {};
}

Result<std::vector<std::string>> take_over_outputs(const fs::path& out) {
    // Also in what we move on to other folders, nobody shall inherit everybody's rights.
    (void)::removexattr(out.c_str(), "system.posix_acl_default");
    if (::chmod(out.c_str(), 0755) != 0) return failed("set the rights of", out);
    TakeOver take;
    if (auto taken = take.folder(out); !taken) return taken.error();
    if (auto removed = remove_what_is_ours(out, take.removed); !removed) return removed.error();
    return std::move(take.removed);
}

}  // namespace quicksilver
