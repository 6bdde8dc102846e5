#include "quicksilver/store/task_folders.hpp"

#include "quicksilver/store/durable_file.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <optional>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::array all_stages = {Stage::incoming, Stage::studies, Stage::processing, Stage::outgoing,
                                   Stage::success,  Stage::error,   Stage::discard};

bool is_hidden(const fs::path& path) {
    return path.filename().string().starts_with('.');
}

/// When the folder changed last, or nothing when it is gone or no folder.
std::optional<WallTime> folder_modified(const fs::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
    const auto since_epoch =
        std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since_epoch));
}

/// mercure's form for a name that is taken: Python's isoformat of the local time.
std::string iso_timestamp(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    const auto micros =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count() % 1'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}", local, micros);
}

/// All entries of a folder; none when it does not exist.
Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        entries.push_back(entry->path());
    }
    if (error && error.value() != ENOENT) return file_error("list", folder, error.value());
    return entries;
}

}  // namespace

std::string_view to_string(Stage stage) {
    constexpr std::array<std::string_view, all_stages.size()> names = {"incoming", "studies", "processing", "outgoing",
                                                                       "success",  "error",   "discard"};
    return names.at(static_cast<std::size_t>(stage));
}

TaskFolders::TaskFolders(FileOps& ops, const Clock& clock, FolderConfig folders)
    : ops_(ops), clock_(clock), folders_(std::move(folders)) {}

Result<void> TaskFolders::make_stages() const {
    for (const Stage stage : all_stages) {
        if (auto made = make_folders(ops_, path(stage)); !made) return made;
    }
    return {};
}

const fs::path& TaskFolders::path(Stage stage) const {
    switch (stage) {
        case Stage::incoming:
            return folders_.incoming;
        case Stage::studies:
            return folders_.studies;
        case Stage::processing:
            return folders_.processing;
        case Stage::outgoing:
            return folders_.outgoing;
        case Stage::success:
            return folders_.success;
        case Stage::error:
            return folders_.error;
        default:
            return folders_.discard;
    }
}

fs::path TaskFolders::path(Stage stage, std::string_view id) const {
    return path(stage) / id;
}

Result<std::vector<std::string>> TaskFolders::list_ready(Stage stage) const {
    const auto entries = list(stage);
    if (!entries) return entries.error();
    std::vector<std::string> ready;
    for (const TaskEntry& entry : *entries) {
        const TaskMarkers found = markers_of(entry.path);
        if (!found.lock && !found.error && !found.processing) ready.push_back(entry.id);
    }
    return ready;
}

bool TaskFolders::is_id(std::string_view text) {
    return !text.empty() && text.front() != '.' && text.find('/') == std::string_view::npos;
}

bool TaskFolders::exists(Stage stage, std::string_view id) const {
    std::error_code ignored;
    return fs::is_directory(path(stage, id), ignored);
}

Result<std::vector<TaskEntry>> TaskFolders::list(Stage stage) const {
    auto entries = entries_of(path(stage));
    if (!entries) return std::move(entries).error();
    std::vector<TaskEntry> tasks;
    for (const fs::path& entry : *entries) {
        if (is_hidden(entry) || (stage == Stage::incoming && entry.filename() == "error")) continue;
        if (const auto modified = folder_modified(entry)) {
            tasks.push_back(TaskEntry{entry.filename().string(), entry, *modified});
        }
    }
    std::sort(tasks.begin(), tasks.end(), [](const TaskEntry& a, const TaskEntry& b) {
        return std::tie(a.modified, a.id) < std::tie(b.modified, b.id);
    });
    return tasks;
}

StageUsage TaskFolders::usage(Stage stage) const {
    StageUsage usage;
    const auto tasks = list(stage);
    if (!tasks) return usage;
    usage.tasks = tasks->size();
    for (const TaskEntry& task : *tasks) {
        std::error_code error;
        for (fs::recursive_directory_iterator entry(task.path, error), end; !error && entry != end;
             entry.increment(error)) {
            std::error_code gone;
            if (!entry->is_regular_file(gone)) continue;
            const auto bytes = entry->file_size(gone);
            if (gone) continue;
            ++usage.files;
            usage.bytes += bytes;
        }
    }
    return usage;
}

Result<void> TaskFolders::prepare(Stage stage, std::string_view id, const std::vector<fs::path>& files,
                                  std::string_view task_json) const {
    const fs::path hidden_folder = hidden_name(path(stage, id), hidden::making);
    if (auto removed = remove_folder_tree(ops_, hidden_folder); !removed) return removed;
    if (auto made = ops_.make_folder(hidden_folder); !made) return made;
    for (const fs::path& file : files) {
        if (auto linked = link_or_copy(ops_, file, hidden_folder / file.filename()); !linked) return linked;
    }
    // Syncing the folder for task.json makes the links durable too.
    auto written = task_json.empty() ? ops_.sync_folder(hidden_folder)
                                     : write_durably(ops_, hidden_folder / TaskFile::file_name, task_json);
    if (!written) return written;
    return ops_.sync_folder(path(stage));
}

Result<fs::path> TaskFolders::publish(Stage stage, std::string_view id) const {
    fs::path final_path = path(stage, id);
    if (auto moved = move_folder(ops_, hidden_name(final_path, hidden::making), final_path); !moved) {
        return std::move(moved).error();
    }
    return final_path;
}

bool TaskFolders::is_prepared(Stage stage, std::string_view id) const {
    return path_exists(hidden_name(path(stage, id), hidden::making));
}

Result<fs::path> TaskFolders::make_task(Stage stage, std::string_view id, const std::vector<fs::path>& files,
                                        std::string_view task_json) const {
    if (exists(stage, id)) return file_error("make the task", path(stage, id), EEXIST);
    if (auto prepared = prepare(stage, id, files, task_json); !prepared) return std::move(prepared).error();
    return publish(stage, id);
}

Result<fs::path> TaskFolders::move(const fs::path& from, Stage to, std::string_view name) const {
    fs::path target = path(to, name);
    if (path_exists(target)) target += fmt::format("_{}", iso_timestamp(clock_.wall_now()));
    for (const std::string_view marker : {markers::lock, markers::processing}) {
        if (auto removed = ops_.unlink(from / marker); !removed) return std::move(removed).error();
    }
    if (auto moved = move_folder(ops_, from, target); !moved) return std::move(moved).error();
    return target;
}

Result<fs::path> TaskFolders::move(const fs::path& from, Stage to) const {
    return move(from, to, from.filename().string());
}

Result<fs::path> TaskFolders::park(const fs::path& from, FailStage stage, std::string_view reason) const {
    std::string name = from.filename().string();
    if (name.starts_with(hidden::routing)) name.erase(0, hidden::routing.size());

    // A reason that cannot be written must not keep the folder where it would be tried again for ever.
    if (auto task = read_task_file(from)) {
        task->info.fail_stage = stage;
        task->info.fail_reason = std::string(reason);
        (void)write_task_file(ops_, from, *task);
    } else {
        (void)write_durably(ops_, from / "error.txt", fmt::format("{}: {}\n", to_string(stage), reason));
    }
    return move(from, Stage::error, name);
}

Result<void> TaskFolders::remove(const fs::path& folder) const {
    return remove_folder_tree(ops_, folder);
}

Result<fs::path> TaskFolders::set_aside(const fs::path& folder) const {
    return hide_to_remove(ops_, folder);
}

Result<std::vector<fs::path>> TaskFolders::instances(const fs::path& folder) {
    auto entries = entries_of(folder);
    if (!entries) return entries;
    std::vector<fs::path> files;
    for (fs::path& entry : *entries) {
        std::error_code gone;
        if (entry.extension() == ".dcm" && fs::is_regular_file(entry, gone)) files.push_back(std::move(entry));
    }
    std::sort(files.begin(), files.end());
    return files;
}

TaskMarkers TaskFolders::markers_of(const fs::path& folder) {
    TaskMarkers found;
    found.lock = path_exists(folder / markers::lock);
    found.processing = path_exists(folder / markers::processing);
    found.error = path_exists(folder / markers::error);
    found.held = path_exists(folder / markers::held);
    return found;
}

bool TaskFolders::is_halted(Stage stage) const {
    return path_exists(path(stage, markers::halt));
}

Result<void> TaskFolders::set_halted(Stage stage, bool halted) const {
    if (halted) return write_durably(ops_, path(stage, markers::halt), "");
    if (auto removed = ops_.unlink(path(stage, markers::halt)); !removed) return removed;
    return ops_.sync_folder(path(stage));
}

Result<std::size_t> TaskFolders::remove_stale_markers(Stage stage) const {
    auto tasks = list(stage);
    if (!tasks) return std::move(tasks).error();
    std::size_t count = 0;
    for (const TaskEntry& task : *tasks) {
        const TaskMarkers found = markers_of(task.path);
        count += static_cast<std::size_t>(found.lock) + static_cast<std::size_t>(found.processing);
        for (const std::string_view marker : {markers::lock, markers::processing}) {
            if (auto removed = ops_.unlink(task.path / marker); !removed) return std::move(removed).error();
        }
    }
    return count;
}

Result<std::size_t> TaskFolders::remove_leftovers(const std::set<std::string>& keep_new_ids) const {
    std::size_t count = 0;
    const auto for_each_hidden = [this](std::string_view prefix, const auto& act) -> Result<void> {
        for (const Stage stage : all_stages) {
            auto entries = entries_of(path(stage));
            if (!entries) return std::move(entries).error();
            for (const fs::path& entry : *entries) {
                const std::string name = entry.filename().string();
                if (!name.starts_with(prefix)) continue;
                if (auto done = act(entry, name.substr(prefix.size())); !done) return done;
            }
        }
        return {};
    };

    // A move to another file system that was decided is finished first; an undecided copy is dropped after that.
    const auto finish_move = [&](const fs::path& moved, const std::string& name) -> Result<void> {
        ++count;
        for (const Stage stage : all_stages) {
            const fs::path copy = hidden_name(path(stage, name), hidden::moving);
            if (path_exists(copy)) return finish_interrupted_move(ops_, moved, copy);
        }
        return remove_folder_tree(ops_, moved);
    };
    const auto remove_it = [&](const fs::path& entry, const std::string&) -> Result<void> {
        ++count;
        return remove_folder_tree(ops_, entry);
    };
    const auto remove_unless_kept = [&](const fs::path& entry, const std::string& id) -> Result<void> {
        if (keep_new_ids.contains(id)) return {};
        return remove_it(entry, id);
    };

    if (auto done = for_each_hidden(hidden::moved, finish_move); !done) return std::move(done).error();
    if (auto done = for_each_hidden(hidden::moving, remove_it); !done) return std::move(done).error();
    if (auto done = for_each_hidden(hidden::making, remove_unless_kept); !done) return std::move(done).error();
    if (auto done = for_each_hidden(hidden::removing, remove_it); !done) return std::move(done).error();
    return count;
}

}  // namespace quicksilver
