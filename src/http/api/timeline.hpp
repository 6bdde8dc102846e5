#pragma once

#include "quicksilver/store/history.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace quicksilver::api {

/// What happened to a series, as spans with begin and end: a module that runs, a delivery to a target. Single events
/// are spans without length. In order of time. Pure.
nlohmann::json make_timeline(const std::vector<EventItem>& events);

}  // namespace quicksilver::api
