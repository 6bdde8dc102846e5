#pragma once

#include "quicksilver/store/task_folders.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver {

/// A series as the history knows it: with the tasks that were ever made of it.
struct KnownSeries {
    std::string series_uid;
    std::string study_uid;  ///< "" = not known
    std::vector<std::string> tasks;
};

/// The folders where files of the series lie, its tasks' and the study's that collects it. Blocks.
std::vector<std::filesystem::path> folders_of_series(const TaskFolders& folders, const KnownSeries& series);

/// Whether the series is just being handed over to its tasks. Blocks.
bool is_being_routed(const TaskFolders& folders, const std::string& series_uid);

/// The files of the series as they were received, each once, from wherever they still lie: not those that a module
/// made, and not those that are still arriving. Blocks.
std::vector<std::filesystem::path> received_files(const TaskFolders& folders, const KnownSeries& series);

/// Where in the folder of a task its files lie as they were received; "" when it has only results of modules. Blocks.
std::filesystem::path received_in(const TaskFolders& folders, const std::filesystem::path& folder);

/// The UIDs of the series in a task: its own, or those of its study.
std::vector<std::string> series_of(const TaskFile& task);

/// Whether a task's own files are results of modules rather than images as they were received.
bool holds_results(const TaskFile& task);
/// Lets the task be known for that, also when it has no modules of its own.
void mark_as_results(TaskFile& task);

}  // namespace quicksilver
