#include "quicksilver/store/durable_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t copy_chunk_bytes = 1UL << 20;

/// Writes a new file and syncs it; its name is not durable yet.
Result<void> write_new_file(FileOps& ops, const fs::path& path, std::string_view content) {
    auto file = ops.create(path);
    if (!file) return std::move(file).error();
    if (auto written = ops.write(*file, content); !written) return written;
    if (auto synced = ops.sync(*file); !synced) return synced;
    return ops.close(*file);
}

Result<void> copy_content(FileOps& ops, const fs::path& from, const fs::path& to) {
    const OpenFile source(::open(from.c_str(), O_RDONLY | O_CLOEXEC), from);
    if (!source.is_open()) return file_error("read", from, errno);
    auto target = ops.create(to);
    if (!target) return std::move(target).error();

    std::vector<char> buffer(copy_chunk_bytes);
    for (;;) {
        const ssize_t got = ::read(source.descriptor(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error("read", from, errno);
        if (got == 0) break;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
        if (auto written = ops.write(*target, bytes); !written) return written;
    }
    if (auto synced = ops.sync(*target); !synced) return synced;
    return ops.close(*target);
}

struct Listing {
    std::vector<fs::path> files;  ///< all that is not a folder, symbolic links too
    std::vector<fs::path> folders;
};

Result<Listing> list_folder(const fs::path& folder) {
    std::error_code error;
    Listing listing;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const bool is_folder = entry->is_directory(error) && !entry->is_symlink(error);
        (is_folder ? listing.folders : listing.files).push_back(entry->path());
    }
    if (error) return file_error("list", folder, error.value());
    return listing;
}

/// Removes a folder with all in it. Fine when it is not there.
Result<void> remove_tree(FileOps& ops, const fs::path& folder) {
    auto listing = list_folder(folder);
    if (!listing) {
        if (listing.error().code == Errc::not_found) return {};
        return std::move(listing).error();
    }
    for (const fs::path& inner : listing->folders) {
        if (auto removed = remove_tree(ops, inner); !removed) return removed;
    }
    for (const fs::path& file : listing->files) {
        if (auto removed = ops.unlink(file); !removed) return removed;
    }
    return ops.remove_folder(folder);
}

/// Copies a folder with all in it; everything but the new folder's own name is durable then.
Result<void> copy_tree(FileOps& ops, const fs::path& from, const fs::path& to) {
    auto listing = list_folder(from);
    if (!listing) return std::move(listing).error();
    if (auto made = ops.make_folder(to); !made) return made;
    for (const fs::path& inner : listing->folders) {
        if (auto copied = copy_tree(ops, inner, to / inner.filename()); !copied) return copied;
    }
    for (const fs::path& file : listing->files) {
        if (auto copied = copy_file(ops, file, to / file.filename()); !copied) return copied;
    }
    return ops.sync_folder(to);
}

Result<void> rename_or_fail(FileOps& ops, const fs::path& from, const fs::path& to) {
    const auto placed = ops.rename(from, to);
    if (!placed) return placed.error();
    if (*placed != Placed::done) return file_error(fmt::format("rename {} to", from.string()), to, EXDEV);
    return {};
}

Result<void> sync_both(FileOps& ops, const fs::path& first, const fs::path& second) {
    if (auto synced = ops.sync_folder(first); !synced || first == second) return synced;
    return ops.sync_folder(second);
}

/// The decision is the rename of the source to `.moved-NAME`; `finish_interrupted_move` goes on from there.
Result<void> move_by_copy(FileOps& ops, const fs::path& from, const fs::path& to) {
    const fs::path copy = hidden_name(to, hidden::moving);
    const fs::path moved = from.parent_path() / hidden_name(to, hidden::moved).filename();
    if (auto removed = remove_tree(ops, copy); !removed) return removed;
    if (auto copied = copy_tree(ops, from, copy); !copied) {
        (void)remove_tree(ops, copy);
        return copied;
    }
    if (auto synced = ops.sync_folder(to.parent_path()); !synced) return synced;
    if (auto decided = rename_or_fail(ops, from, moved); !decided) return decided;
    if (auto synced = ops.sync_folder(from.parent_path()); !synced) {
        (void)ops.rename(moved, from);
        return synced;
    }
    return finish_interrupted_move(ops, moved, copy);
}

}  // namespace

fs::path hidden_name(const fs::path& path, std::string_view prefix) {
    return path.parent_path() / (std::string(prefix) + path.filename().string());
}

std::string part_name(std::string_view name) {
    return fmt::format(".{}.part", name);
}

Result<void> write_durably(FileOps& ops, const fs::path& path, std::string_view content) {
    const fs::path part = path.parent_path() / part_name(path.filename().string());
    // A leftover may be another name of a file that is in use: remove it, never write into it.
    if (auto removed = ops.unlink(part); !removed) return removed;
    if (auto written = write_new_file(ops, part, content); !written) {
        (void)ops.unlink(part);
        return written;
    }
    if (auto renamed = rename_or_fail(ops, part, path); !renamed) {
        (void)ops.unlink(part);
        return renamed;
    }
    return ops.sync_folder(path.parent_path());
}

Result<void> copy_file(FileOps& ops, const fs::path& from, const fs::path& to) {
    auto copied = copy_content(ops, from, to);
    if (!copied && copied.error().code != Errc::already_exists) (void)ops.unlink(to);
    return copied;
}

Result<void> link_or_copy_file(FileOps& ops, const fs::path& from, const fs::path& to) {
    const auto linked = ops.link(from, to);
    if (!linked) return linked.error();
    if (*linked == Placed::done) return {};
    return copy_file(ops, from, to);
}

Result<void> link_or_copy(FileOps& ops, const fs::path& from, const fs::path& to) {
    std::error_code gone;
    if (!fs::is_directory(fs::symlink_status(from, gone))) return link_or_copy_file(ops, from, to);
    const auto listing = list_folder(from);
    if (!listing) return listing.error();
    if (auto made = ops.make_folder(to); !made) return made;
    for (const fs::path& inner : listing->folders) {
        if (auto linked = link_or_copy(ops, inner, to / inner.filename()); !linked) return linked;
    }
    for (const fs::path& file : listing->files) {
        if (!fs::is_regular_file(fs::symlink_status(file, gone))) continue;
        if (auto linked = link_or_copy_file(ops, file, to / file.filename()); !linked) return linked;
    }
    return ops.sync_folder(to);
}

Result<void> move_folder(FileOps& ops, const fs::path& from, const fs::path& to) {
    // rename would silently replace an empty folder.
    if (path_exists(to)) return file_error("move a folder to", to, EEXIST);
    const auto renamed = ops.rename(from, to);
    if (!renamed) return renamed.error();
    if (*renamed == Placed::needs_copy) return move_by_copy(ops, from, to);
    return sync_both(ops, to.parent_path(), from.parent_path());
}

Result<void> finish_interrupted_move(FileOps& ops, const fs::path& moved, const fs::path& copy) {
    const std::string name = copy.filename().string().substr(hidden::moving.size());
    if (path_exists(copy)) {
        if (auto published = rename_or_fail(ops, copy, copy.parent_path() / name); !published) return published;
        if (auto synced = ops.sync_folder(copy.parent_path()); !synced) return synced;
    }
    return remove_tree(ops, moved);
}

Result<void> make_folders(FileOps& ops, const fs::path& path) {
    std::error_code ignored;
    if (path.empty() || fs::is_directory(path, ignored)) return {};
    const fs::path parent = path.parent_path();
    if (auto made = make_folders(ops, parent); !made) return made;
    if (auto made = ops.make_folder(path); !made) {
        // Somebody else may have been faster.
        if (made.error().code == Errc::already_exists && fs::is_directory(path, ignored)) return {};
        return made;
    }
    return ops.sync_folder(parent.empty() ? fs::path(".") : parent);
}

Result<void> remove_folder_tree(FileOps& ops, const fs::path& path) {
    if (path.filename().string().starts_with(hidden::removing)) return remove_tree(ops, path);
    const auto removing = hide_to_remove(ops, path);
    if (!removing) return removing.error();
    return removing->empty() ? Result<void>() : remove_tree(ops, *removing);
}

Result<fs::path> hide_to_remove(FileOps& ops, const fs::path& path) {
    if (!path_exists(path)) return fs::path();
    fs::path removing = hidden_name(path, hidden::removing);
    if (auto removed = remove_tree(ops, removing); !removed) return removed.error();
    if (auto renamed = rename_or_fail(ops, path, removing); !renamed) return renamed.error();
    // Before anything in it goes: after a power cut the folder must not be back with half of its files.
    if (auto synced = ops.sync_folder(path.parent_path()); !synced) return synced.error();
    return removing;
}

Result<std::string> read_text_file(const fs::path& path, std::size_t limit) {
    const OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path);
    if (!file.is_open()) return file_error("read", path, errno);
    struct stat status {};
    if (::fstat(file.descriptor(), &status) != 0) return file_error("read", path, errno);
    if (!S_ISREG(status.st_mode)) return Error{Errc::invalid, fmt::format("{} is not a file", path.string())};

    std::string text;
    std::vector<char> buffer(64UL << 10);
    for (;;) {
        const ssize_t got = ::read(file.descriptor(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return file_error("read", path, errno);
        if (got == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > limit) {
            return Error{Errc::invalid, fmt::format("{} is longer than {} bytes", path.string(), limit)};
        }
    }
}

}  // namespace quicksilver
