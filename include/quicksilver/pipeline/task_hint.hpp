#pragma once

#include "quicksilver/store/task_folders.hpp"

#include <functional>
#include <string>

namespace quicksilver {

/// Tells the stage that works off a folder of a task there, by its folder's name. A hint: the folder is the truth, and
/// a stage that was not told finds it by itself. Io thread only.
using TaskHint = std::function<void(Stage stage, const std::string& name)>;

}  // namespace quicksilver
