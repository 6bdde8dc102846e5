#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <filesystem>

namespace quicksilver {

/// Where large bodies lie while they are needed.
std::filesystem::path uploads_folder(const FolderConfig& folders);

/// What a run before this one left there. Blocks; before the server listens.
Result<void> remove_stale_uploads(FileOps& ops, const FolderConfig& folders);

}  // namespace quicksilver
