#pragma once

#include "quicksilver/core/config_loader.hpp"

#include <vector>

namespace quicksilver {

/// What only the layers above core can tell of a configuration: do the rules parse, can the targets be built, is
/// something asked for that this version does not do.
std::vector<ConfigProblem> check_above_core(const Config& config);

}  // namespace quicksilver
