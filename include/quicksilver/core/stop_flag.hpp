#pragma once

#include <atomic>

namespace quicksilver {

/// Set from another thread to end blocking work at its next stop point, within a second or so.
using StopFlag = std::atomic<bool>;

}  // namespace quicksilver
