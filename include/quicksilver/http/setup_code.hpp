#pragma once

#include "quicksilver/core/clock.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace quicksilver {

/// The one-time code that makes the first administrator, while there is no user. It counts for 30 minutes and five
/// tries; then a new one is made, which only who has the console or the file can read. Io thread only.
class SetupCode {
public:
    /// Told of each new code: to print it and to write its file.
    using Announce = std::function<void(const std::string& code)>;

    explicit SetupCode(Announce announce) : announce_(std::move(announce)) {}

    /// Makes one when there is none that counts.
    void refresh(SteadyTime now);
    /// False counts as a try.
    bool matches(std::string_view code, SteadyTime now);
    /// The first user exists: no code counts any more.
    void retire();

    static constexpr std::chrono::minutes lifetime{30};
    static constexpr int tries_max = 5;

private:
    Announce announce_;
    std::string code_;
    SteadyTime made_{};
    int tries_ = 0;
};

}  // namespace quicksilver
