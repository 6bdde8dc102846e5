#pragma once

#include <string>

namespace quicksilver {

/// A new task id: a UUID of version 1, as mercure makes them. Unique on this machine; any thread.
std::string make_task_id();

}  // namespace quicksilver
