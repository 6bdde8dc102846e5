#pragma once

#include "quicksilver/store/revisions.hpp"

#include <cstdint>
#include <string>

namespace quicksilver {

/// `"r12-rule-chest"`: an object of the configuration as it is since that revision.
std::string config_etag(std::int64_t revision, const ConfigObjectName& object);

}  // namespace quicksilver
