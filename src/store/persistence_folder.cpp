#include "quicksilver/store/persistence_folder.hpp"

#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

WallTime modified_of(const struct stat& status) {
    const auto since_1970 =
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since_1970));
}

bool is_part_of_name(std::string_view part) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    return !part.empty() && part.size() <= 255 && part.front() != '.' && !part.ends_with(markers::lock) &&
           part.find('\\') == std::string_view::npos && std::ranges::none_of(part, is_control);
}

/// Lists the folder that is open, and those below it. Takes the descriptor.
void list_into(std::vector<PersistenceFolder::File>& files, int descriptor, const std::string& prefix, int depth) {
    struct Close {
        void operator()(DIR* folder) const { ::closedir(folder); }
    };
    const std::unique_ptr<DIR, Close> folder(::fdopendir(descriptor));
    if (!folder) {
        ::close(descriptor);
        return;
    }
    while (const dirent* entry = ::readdir(folder.get())) {
        if (files.size() >= PersistenceFolder::listed_max) return;
        const std::string name = entry->d_name;
        if (!is_part_of_name(name)) continue;
        struct stat status {};
        if (::fstatat(::dirfd(folder.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(status.st_mode)) {
            files.push_back({prefix + name, static_cast<std::uint64_t>(status.st_size), modified_of(status)});
        }
        if (!S_ISDIR(status.st_mode) || depth >= PersistenceFolder::depth_max) continue;
        const int below = ::openat(::dirfd(folder.get()), entry->d_name, folder_flags);
        if (below >= 0) list_into(files, below, prefix + name + "/", depth + 1);
    }
}

}  // namespace

bool PersistenceFolder::is_file_name(std::string_view name) {
    for (int depth = 0;; ++depth) {
        const auto slash = name.find('/');
        if (!is_part_of_name(name.substr(0, slash)) || depth > depth_max) return false;
        if (slash == std::string_view::npos) return true;
        name.remove_prefix(slash + 1);
    }
}

Result<std::vector<PersistenceFolder::File>> PersistenceFolder::list() const {
    std::vector<File> files;
    const int folder = ::open(folder_.c_str(), folder_flags);
    if (folder < 0 && errno == ENOENT) return files;
    if (folder < 0) return file_error("list", folder_, errno);
    list_into(files, folder, "", 0);
    std::ranges::sort(files, {}, &File::name);
    return files;
}

/// The folder that a file lies in, step by step, so that no part of the way is a link.
Result<OpenFile> PersistenceFolder::open_parent(const std::string& name) const {
    if (!is_file_name(name)) return Error{Errc::invalid, fmt::format("'{}' is no name of a file", name)};
    fs::path path = folder_;
    int descriptor = ::open(folder_.c_str(), folder_flags);
    int reason = descriptor < 0 ? errno : 0;
    OpenFile folder(descriptor, path);
    const fs::path parents = fs::path(name).parent_path();
    for (const fs::path& part : parents) {
        if (reason != 0) break;
        path /= part;
        descriptor = ::openat(folder.descriptor(), part.c_str(), folder_flags);
        reason = descriptor < 0 ? errno : 0;
        folder = OpenFile(descriptor, path);
    }
    if (reason == 0) return folder;
    if (reason == ENOENT) return Error{Errc::not_found, fmt::format("there is no file {}", name)};
    return file_error("open", path, reason);
}

Result<PersistenceFolder::Content> PersistenceFolder::read(const std::string& name) const {
    const auto folder = open_parent(name);
    if (!folder) return folder.error();
    const std::string last = fs::path(name).filename();
    const OpenFile file(::openat(folder->descriptor(), last.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC),
                        folder_ / name);
    const int reason = errno;
    if (!file.is_open() && reason == ENOENT) return Error{Errc::not_found, fmt::format("there is no file {}", name)};
    struct stat status {};
    if (!file.is_open() || ::fstat(file.descriptor(), &status) != 0) return file_error("open", folder_ / name, reason);
    if (!S_ISREG(status.st_mode)) return Error{Errc::invalid, fmt::format("{} is no file", name)};
    Content content;
    content.bytes = static_cast<std::uint64_t>(status.st_size);
    if (content.bytes > shown_max) {
        content.version = fmt::format("{}-{}.{}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
        return content;
    }
    std::string text(shown_max + 1, '\0');
    std::size_t length = 0;
    for (;;) {
        const ssize_t got = ::read(file.descriptor(), text.data() + length, text.size() - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error("read", folder_ / name, errno);
        length += static_cast<std::size_t>(got);
        if (got == 0 || length == text.size()) break;
    }
    text.resize(std::min<std::size_t>(length, shown_max));
    content.bytes = text.size();
    content.version = secrets::digest(text);
    content.text = std::move(text);
    return content;
}

/// Where a file lies or may be made; its folder is no link.
Result<fs::path> PersistenceFolder::place_of(const std::string& name) const {
    if (!is_file_name(name)) return Error{Errc::invalid, fmt::format("'{}' is no name of a file", name)};
    if (name.find('/') == std::string::npos && !path_exists(folder_)) {
        if (auto made = make_folders(ops_, folder_); !made) return made.error();
    }
    if (const auto folder = open_parent(name); !folder) return folder.error();
    struct stat status {};
    if (::lstat((folder_ / name).c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        return Error{Errc::invalid, fmt::format("{} is no file", name)};
    }
    return folder_ / name;
}

Result<void> PersistenceFolder::write(const std::string& name, std::string_view text) const {
    const auto place = place_of(name);
    if (!place) return place.error();
    return write_durably(ops_, *place, text);
}

Result<void> PersistenceFolder::remove(const std::string& name) const {
    const auto place = place_of(name);
    if (!place) return place.error().code == Errc::not_found ? Result<void>() : place.error();
    if (auto removed = ops_.unlink(*place); !removed) return removed;
    return ops_.sync_folder(place->parent_path());
}

}  // namespace quicksilver
