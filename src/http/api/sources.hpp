#pragma once

#include "quicksilver/store/source_notes.hpp"

#include "api.hpp"

#include <map>
#include <string>

namespace quicksilver::api {

/// Which sources have been silent for longer than they usually are, but for those that nobody wants to hear of: a list
/// of {"id","severity","text"}, as open problems are. On a reader's thread; throws DatabaseError.
Json overdue_sources(const Api& api, const std::map<std::string, SourceNote>& notes, WallTime now);

}  // namespace quicksilver::api
