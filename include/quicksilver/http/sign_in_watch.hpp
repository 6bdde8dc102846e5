#pragma once

#include "quicksilver/core/clock.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

namespace quicksilver {

/// Remembers where sign-ins were slowed down lately, for the list of open problems. Pure; io thread.
class SignInWatch {
public:
    void slowed(const std::string& address, SteadyTime now);
    /// What a person should know of it; "" when nothing was slowed down within the last hour.
    std::string problem(SteadyTime now) const;

    static constexpr std::chrono::hours remembered{1};
    static constexpr std::size_t addresses_max = 1000;
    static constexpr std::size_t addresses_named = 3;

private:
    std::map<std::string, SteadyTime> addresses_;
};

}  // namespace quicksilver
