#pragma once

#include "quicksilver/core/result.hpp"

#include <cstddef>
#include <functional>

namespace quicksilver {

/// How many threads are worth their while for work that computes.
unsigned computing_threads();

/// Calls `work` with each number below `count`, from up to `threads` threads at once, the caller's among them, and
/// returns when all have ended. After the first failure nothing new is begun; that failure is returned, or thrown.
/// Blocks.
Result<void> run_parallel(std::size_t count, unsigned threads, const std::function<Result<void>(std::size_t)>& work);

}  // namespace quicksilver
