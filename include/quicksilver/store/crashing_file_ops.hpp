#pragma once

#include "quicksilver/store/file_ops.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace quicksilver {

/// Ends the process, as kill -9 would, before the Nth call that changes something on the disk. For tests that crash the
/// program at each of its steps. N counts from 1, over all threads.
std::unique_ptr<FileOps> make_crashing_file_ops(std::unique_ptr<FileOps> real, unsigned at);

/// N of QUICKSILVER_CRASH_AT; nothing for what is no such number.
std::optional<unsigned> parse_crash_point(std::string_view text);

}  // namespace quicksilver
