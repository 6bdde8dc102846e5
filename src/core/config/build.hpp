#pragma once

#include "quicksilver/core/config.hpp"

namespace quicksilver {

/// The typed settings of an effective document without errors.
Config build_config(nlohmann::ordered_json document, const std::filesystem::path& data);

}  // namespace quicksilver
