#pragma once

#include "quicksilver/core/config.hpp"

#include "findings.hpp"

namespace quicksilver {

/// What no single setting shows: folders and ports that meet, half a certificate, names of targets and modules that
/// do not exist, rules that do nothing.
void check_relations(const Config& config, Findings& findings);

}  // namespace quicksilver
