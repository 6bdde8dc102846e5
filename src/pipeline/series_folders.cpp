#include "quicksilver/pipeline/series_folders.hpp"

#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/pipeline/processing_folder.hpp"
#include "quicksilver/store/durable_file.hpp"

#include <map>
#include <system_error>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr const char* results_mark = "holds_results";

/// In the order in which a task goes through them, so that one that moves on meanwhile is found behind.
constexpr Stage task_stages[] = {Stage::studies, Stage::processing, Stage::outgoing,
                                 Stage::success, Stage::error,      Stage::discard};

/// Of this series, with what came beside its instances.
std::vector<fs::path> files_in(const fs::path& folder, const std::string& series_uid) {
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code gone;
        const bool is_of_series = entry->path().filename().string().starts_with(series_uid + "#");
        if (is_of_series && fs::is_regular_file(entry->symlink_status(gone))) files.push_back(entry->path());
    }
    return files;
}

std::vector<fs::path> studies_with(const TaskFolders& folders, const KnownSeries& series) {
    std::vector<fs::path> found;
    const auto studies = folders.list(Stage::studies);
    if (!studies || series.study_uid.empty()) return found;
    for (const TaskEntry& study : *studies) {
        const bool may_be = study.id.starts_with(series.study_uid + "#");
        if (may_be && !files_in(study.path, series.series_uid).empty()) found.push_back(study.path);
    }
    return found;
}

}  // namespace

fs::path received_in(const TaskFolders& folders, const fs::path& folder) {
    if (path_exists(folder / ProcessingFolder::as_received)) return folder / ProcessingFolder::as_received;
    const fs::path stage = folder.parent_path();
    if (stage != folders.path(Stage::outgoing) && stage != folders.path(Stage::success) &&
        stage != folders.path(Stage::error)) {
        return folder;
    }
    const auto task = read_task_file(folder);
    if (!task) return folder;  // what was put away without one has not been processed
    const bool before_modules = task->info.fail_stage && *task->info.fail_stage != FailStage::dispatching;
    return before_modules || !holds_results(*task) ? folder : fs::path();
}

std::vector<std::string> series_of(const TaskFile& task) {
    if (task.info.uid_type == "series") return {task.info.uid};
    return task.study ? task.study->received_series_uid : std::vector<std::string>();
}

bool holds_results(const TaskFile& task) {
    const auto mark = task.info.extra.find(results_mark);
    return !task.process.empty() || (mark != task.info.extra.end() && *mark == true);
}

void mark_as_results(TaskFile& task) {
    if (!task.info.extra.is_object()) task.info.extra = nlohmann::ordered_json::object();
    task.info.extra[results_mark] = true;
}

std::vector<fs::path> folders_of_series(const TaskFolders& folders, const KnownSeries& series) {
    std::vector<fs::path> found;
    if (!is_file_safe_uid(series.series_uid)) return found;
    if (folders.exists(Stage::incoming, series.series_uid)) {
        found.push_back(folders.path(Stage::incoming, series.series_uid));
    }
    for (fs::path& study : studies_with(folders, series)) found.push_back(std::move(study));
    for (const std::string& task : series.tasks) {
        if (!TaskFolders::is_id(task)) continue;
        for (const Stage stage : task_stages) {
            if (folders.exists(stage, task)) found.push_back(folders.path(stage, task));
            if (stage != Stage::processing) continue;
            fs::path leaving = ProcessingFolder::leaving(folders, task);
            if (path_exists(leaving)) found.push_back(std::move(leaving));
        }
    }
    return found;
}

bool is_being_routed(const TaskFolders& folders, const std::string& series_uid) {
    std::error_code error;
    for (fs::directory_iterator entry(folders.path(Stage::incoming), error), end; !error && entry != end;
         entry.increment(error)) {
        if (!entry->path().filename().string().starts_with(hidden::routing)) continue;
        if (!files_in(entry->path(), series_uid).empty()) return true;
    }
    return false;
}

std::vector<fs::path> received_files(const TaskFolders& folders, const KnownSeries& series) {
    // A late part makes tasks of its own; of an instance that came again, the last one counts.
    std::map<std::string, fs::path> files;
    for (const fs::path& folder : folders_of_series(folders, series)) {
        const bool is_leaving = folder.filename().string().front() == '.';  // results on their way
        if (is_leaving || folder.parent_path() == folders.path(Stage::incoming)) continue;
        const fs::path received = received_in(folders, folder);
        if (received.empty()) continue;
        for (fs::path& file : files_in(received, series.series_uid)) {
            std::string name = file.filename().string();
            files.insert_or_assign(std::move(name), std::move(file));
        }
    }
    std::vector<fs::path> all;
    for (auto& [name, file] : files) all.push_back(std::move(file));
    return all;
}

}  // namespace quicksilver
