#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/tags.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>

namespace quicksilver {

/// The last step of the task that de-identifies, of those before `end`; nothing when none does.
std::optional<std::size_t> deidentifying_step(const TaskFile& task, const Config& config, std::size_t end);

/// The task as whoever gets the images may see it, after that step: names, numbers and UIDs are those of `now`, the
/// tags of an instance as it is now; who sent it, and what modules found before, are gone. Pure.
TaskFile deidentified(TaskFile task, std::size_t step, const Tags& now);
/// The same by the first instance of a folder. Blocks.
TaskFile deidentified(TaskFile task, std::size_t step, const std::filesystem::path& folder);

}  // namespace quicksilver
