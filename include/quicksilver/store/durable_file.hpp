#pragma once

#include "quicksilver/store/file_ops.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace quicksilver {

/// Replaces or makes a file so that after any crash it holds either its old or its new content, and after success the
/// new one also survives a power cut: temporary name in the same folder → fsync → rename → fsync(folder).
Result<void> write_durably(FileOps& ops, const std::filesystem::path& path, std::string_view content);

/// The temporary name that `write_durably` uses for a file, and that a crash may leave.
std::string part_name(std::string_view name);

/// Copies a regular file to a new name and fsyncs it. The name is durable once the caller synced its folder.
Result<void> copy_file(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to);

/// A hard link, or a copy where links are not possible (other file system, too many links). `to` must not exist.
/// The name is durable once the caller synced its folder.
Result<void> link_or_copy_file(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to);

/// The same for a folder with all in it: new folders, durable but for the name of `to`, with links to the files.
/// Symbolic links are left out. Anything but a folder is linked as `link_or_copy_file` does.
Result<void> link_or_copy(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to);

/// Renames a folder and fsyncs both parents. To another file system: copies into `.moving-NAME` beside `to`, durably;
/// renames the source to `.moved-NAME`, which is the decision; then the copy to `to`; then removes the source. A crash
/// leaves the folder visible in exactly one of both places, or in neither until `finish_interrupted_move`.
/// `to` must not exist: Errc::already_exists.
Result<void> move_folder(FileOps& ops, const std::filesystem::path& from, const std::filesystem::path& to);

/// Goes on after the decision: publishes the copy, if it is still hidden, and removes the source.
Result<void> finish_interrupted_move(FileOps& ops, const std::filesystem::path& moved,
                                     const std::filesystem::path& copy);

/// Prefixes of folder names that nobody takes for tasks.
namespace hidden {
inline constexpr std::string_view making = ".new-";
inline constexpr std::string_view removing = ".removing-";
inline constexpr std::string_view moving = ".moving-";
inline constexpr std::string_view moved = ".moved-";
inline constexpr std::string_view routing = ".routing-";
}  // namespace hidden

/// `FOLDER/NAME` as `FOLDER/<prefix>NAME`.
std::filesystem::path hidden_name(const std::filesystem::path& path, std::string_view prefix);

/// Makes a folder and the missing ones above it, durably. Fine when it exists.
Result<void> make_folders(FileOps& ops, const std::filesystem::path& path);

/// Removes a folder with all in it: first renamed to `PARENT/.removing-NAME`, so that a half-removed folder is never
/// taken for a whole one. Fine when it is not there.
Result<void> remove_folder_tree(FileOps& ops, const std::filesystem::path& path);
/// The first half of it, durably. Returns the new name; an empty path when the folder is not there.
Result<std::filesystem::path> hide_to_remove(FileOps& ops, const std::filesystem::path& path);

/// A whole text file of at most `limit` bytes. Errc::not_found when it is not there.
Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t limit = 64UL << 20);

}  // namespace quicksilver
