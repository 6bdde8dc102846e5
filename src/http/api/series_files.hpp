#pragma once

#include "quicksilver/store/history.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver::api {

/// The instances of the series that are still here, sorted by name: as they came, or of whatever task of these has
/// some. Blocks.
std::vector<std::filesystem::path> files_of_series(const TaskFolders& folders, const std::string& series_uid,
                                                   const std::vector<TaskItem>& tasks);

}  // namespace quicksilver::api
