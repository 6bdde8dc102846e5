#include "quicksilver/store/incoming_folder.hpp"

#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/store/durable_file.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view receiving_name = ".receiving";

bool is_plain_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string_view::npos;
}

}  // namespace

IncomingFolder::IncomingFolder(const TaskFolders& folders)
    : folders_(folders), receiving_(folders.path(Stage::incoming, receiving_name)) {}

Result<std::size_t> IncomingFolder::prepare() {
    FileOps& ops = folders_.ops();
    if (auto made = make_folders(ops, receiving_); !made) return std::move(made).error();
    std::size_t torn = 0;
    std::error_code error;
    for (fs::directory_iterator part(receiving_, error), end; !error && part != end; part.increment(error)) {
        if (auto removed = ops.unlink(part->path()); !removed) return std::move(removed).error();
        ++torn;
    }
    if (error) return file_error("list", receiving_, error.value());
    return torn;
}

fs::path IncomingFolder::new_part_path() {
    return receiving_ / fmt::format("{}.part", next_part_++);
}

Result<void> IncomingFolder::commit(const fs::path& part, std::string_view series_uid, std::string_view name) {
    auto placed = place(part, series_uid, name);
    if (!placed) {
        (void)folders_.ops().unlink(part);
        return std::move(placed).error();
    }
    if (auto synced = folders_.ops().sync(placed->folder); !synced) return synced;
    if (!placed->is_new_series) return {};
    if (auto synced = folders_.ops().sync_folder(folders_.path(Stage::incoming)); !synced) return synced;
    const std::lock_guard lock(mutex_);
    if (const auto found = new_series_.find(series_uid); found != new_series_.end()) new_series_.erase(found);
    return {};
}

Result<IncomingFolder::Place> IncomingFolder::place(const fs::path& part, std::string_view series_uid,
                                                    std::string_view name) {
    if (!is_file_safe_uid(series_uid) || series_uid == "error" || !is_plain_name(name)) {
        return Error{Errc::invalid, fmt::format("series {} or file {} cannot name a file", series_uid, name)};
    }
    FileOps& ops = folders_.ops();
    const fs::path folder = folders_.path(Stage::incoming, series_uid);
    const std::lock_guard lock(mutex_);
    if (std::error_code ignored; !fs::is_directory(folder, ignored)) {
        if (auto made = ops.make_folder(folder); !made) return std::move(made).error();
        new_series_.emplace(series_uid);
    }
    const auto renamed = ops.rename(part, folder / name);
    if (!renamed) return renamed.error();
    if (*renamed != Placed::done) {
        return Error{Errc::io, fmt::format("{} is not on the file system of its folder; mount the whole of {} as one",
                                           folder.string(), folders_.path(Stage::incoming).string())};
    }
    // Opened under the lock, the handle is the folder that the instance is in, whoever claims it next.
    auto handle = ops.open_folder(folder);
    if (!handle) return std::move(handle).error();
    return Place{std::move(*handle), new_series_.contains(series_uid)};
}

Result<fs::path> IncomingFolder::claim(std::string_view series_uid, std::string_view task_id) {
    FileOps& ops = folders_.ops();
    const fs::path folder = folders_.path(Stage::incoming, series_uid);
    fs::path claimed = hidden_name(folders_.path(Stage::incoming, task_id), hidden::routing);
    {
        const std::lock_guard lock(mutex_);
        const auto renamed = ops.rename(folder, claimed);
        if (!renamed) return renamed.error();
        if (*renamed != Placed::done) return file_error("rename", folder, EXDEV);
    }
    if (auto synced = ops.sync_folder(folders_.path(Stage::incoming)); !synced) return std::move(synced).error();
    return claimed;
}

}  // namespace quicksilver
