#pragma once

#include "quicksilver/core/config.hpp"

#include <chrono>

namespace quicksilver {

/// How long the databases keep what they know; 0 = for ever.
struct RetentionSettings {
    Seconds history{63'072'000};
    Seconds audit{0};

    static RetentionSettings of(const Config& config);

    static constexpr std::chrono::hours interval{1};  ///< how often what is older is looked for
};

}  // namespace quicksilver
