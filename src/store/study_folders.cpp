#include "quicksilver/store/study_folders.hpp"

#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/store/durable_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t file_name_max = 255;

/// Adds the series of `part` that the study does not list yet: a late part of a series is no further series.
void add_series_of(const TaskStudy& part, TaskStudy& study, WallTime now) {
    study.last_receive_time = local_timestamp(now);
    study.last_receive_utc = rfc3339(now);
    for (std::size_t i = 0; i < part.received_series_uid.size(); ++i) {
        const std::string& uid = part.received_series_uid[i];
        const auto& known = study.received_series_uid;
        if (std::find(known.begin(), known.end(), uid) != known.end()) continue;
        study.received_series_uid.push_back(uid);
        study.received_series.push_back(i < part.received_series.size() ? part.received_series[i] : "");
    }
}

bool is_same_collection(const TaskFile& a, const TaskFile& b) {
    return a.id == b.id && a.study && b.study && a.study->received_series_uid == b.study->received_series_uid &&
           a.study->last_receive_utc == b.study->last_receive_utc &&
           a.study->last_receive_time == b.study->last_receive_time;
}

}  // namespace

Result<std::string> make_study_key(std::string_view study_uid, std::string_view rule) {
    std::string key = fmt::format("{}#{}", study_uid, rule);
    if (!is_file_safe_uid(study_uid)) {
        return Error{Errc::invalid, fmt::format("StudyInstanceUID \"{}\" is no UID", study_uid)};
    }
    // With room for the prefixes of hidden names.
    if (rule.find('/') != std::string_view::npos || rule.find('\0') != std::string_view::npos ||
        key.size() > file_name_max - hidden::removing.size()) {
        return Error{Errc::invalid,
                     fmt::format("a study cannot be collected for rule \"{}\", whose name is no part of a folder name: "
                                 "rename the rule",
                                 rule)};
    }
    return key;
}

Result<StudyFolders::Added> StudyFolders::add(const fs::path& part, const std::string& key) {
    const std::lock_guard lock(mutex_);
    const fs::path study = path(key);
    FileOps& ops = folders_.ops();
    if (!path_exists(study)) {
        if (const auto renamed = ops.rename(part, study); !renamed) return renamed.error();
        if (auto synced = ops.sync_folder(folders_.path(Stage::studies)); !synced) return std::move(synced).error();
        return Added{study, ""};
    }
    auto task = read_task_file(study);
    if (!task) return Error{Errc::invalid, fmt::format("cannot add to the study {}: {}", key, task.error().message)};
    if (auto joined = join(part, study, *task); !joined) return std::move(joined).error();
    return Added{study, task->id};
}

/// Files first, then the list of series, then the part goes: whatever is cut off, the same again completes it, also
/// when the study was taken away meanwhile.
Result<void> StudyFolders::join(const fs::path& part, const fs::path& study, TaskFile& task) {
    FileOps& ops = folders_.ops();
    const auto added = read_task_file(part);
    if (!added) return added.error();
    if (!added->study || !task.study) {
        return Error{Errc::invalid,
                     fmt::format("{} has no study in its task.json", task.study ? part.string() : study.string())};
    }
    std::error_code error;
    std::vector<fs::path> files;
    for (fs::directory_iterator entry(part, error), end; !error && entry != end; entry.increment(error)) {
        const fs::path name = entry->path().filename();
        if (name != TaskFile::file_name && name != markers::held) files.push_back(entry->path());
    }
    if (error) return file_error("list", part, error.value());
    for (const fs::path& file : files) {
        const fs::path name = study / file.filename();
        if (auto removed = ops.unlink(name); !removed) return removed;  // an earlier copy, or of an attempt cut off
        if (auto linked = link_or_copy_file(ops, file, name); !linked) return linked;
    }
    add_series_of(*added->study, *task.study, clock_.wall_now());
    // Syncs the folder, and with it the files' new names.
    if (auto written = write_task_file(ops, study, task); !written) return written;
    if (const auto holds = TaskFolders::holds_of(part)) {
        if (auto held = folders_.hold(study, *holds); !held) return held;
    }
    return folders_.remove(part);
}

Result<std::vector<CollectedStudy>> StudyFolders::list() const {
    auto entries = folders_.list(Stage::studies);
    if (!entries) return std::move(entries).error();
    std::vector<CollectedStudy> studies;
    for (TaskEntry& entry : *entries) {
        const TaskMarkers markers = TaskFolders::markers_of(entry.path);
        if (markers.lock || markers.processing) continue;
        CollectedStudy study;
        study.task = read_task_file(entry.path);
        if (study.task && !study.task->study) {
            study.task = Error{Errc::invalid, fmt::format("{}/task.json has no study", entry.path.string())};
        }
        study.force_complete = path_exists(entry.path / markers::force_complete);
        study.key = std::move(entry.id);
        study.folder = std::move(entry.path);
        studies.push_back(std::move(study));
    }
    std::sort(studies.begin(), studies.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return studies;
}

Result<TaskFile> StudyFolders::existing(const std::string& key) const {
    if (key.empty() || key.front() == '.' || key.find('/') != std::string::npos || !path_exists(path(key))) {
        return Error{Errc::not_found, fmt::format("no study {} is being collected", key)};
    }
    return read_task_file(path(key));
}

Result<fs::path> StudyFolders::take(const std::string& key, const TaskFile& judged, Stage to,
                                    std::string_view fail_reason) {
    const std::lock_guard lock(mutex_);
    auto task = existing(key);
    if (!task) return std::move(task).error();
    if (!is_same_collection(*task, judged)) return Error{Errc::busy, fmt::format("study {} has grown", key)};
    FileOps& ops = folders_.ops();
    const fs::path folder = path(key);
    const bool is_forced = path_exists(folder / markers::force_complete);
    if (is_forced || !fail_reason.empty()) {
        task->study->complete_force |= is_forced;  // so that a crash from here on does not forget it
        if (!fail_reason.empty()) {
            task->info.fail_stage = FailStage::routing;
            task->info.fail_reason = std::string(fail_reason);
        }
        if (auto written = write_task_file(ops, folder, *task); !written) return std::move(written).error();
    }
    for (const std::string& marker : {std::string(markers::force_complete), key + std::string(markers::lock)}) {
        if (auto removed = ops.unlink(folder / marker); !removed) return std::move(removed).error();
    }
    return folders_.move(folder, to, task->id);
}

Result<void> StudyFolders::force_complete(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (const auto task = existing(key); !task && task.error().code == Errc::not_found) return task.error();
    return write_durably(folders_.ops(), path(key) / markers::force_complete, "");
}

Result<void> StudyFolders::extend(const std::string& key) {
    const std::lock_guard lock(mutex_);
    auto task = existing(key);
    if (!task) return std::move(task).error();
    if (!task->study) return Error{Errc::invalid, fmt::format("{} has no study in its task.json", key)};
    task->study->extended_utc = rfc3339(clock_.wall_now());
    return write_task_file(folders_.ops(), path(key), *task);
}

}  // namespace quicksilver
