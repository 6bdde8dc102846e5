#pragma once

#include "quicksilver/core/config.hpp"

#include <optional>

namespace quicksilver {

/// How long to wait after `failures` failed attempts before the next one, or nothing to give up. Pure.
/// `retry.attempts` counts all attempts (mercure's `retry_max`); 0 = until it works. `random` is at least 0 and below 1
/// and places the wait within the jitter; 0.5 is the middle.
std::optional<Seconds> next_attempt(const RetryConfig& retry, unsigned failures, double random = 0.5);

/// How long to wait before a series whose hand-over failed is tried again: soon at first, since most causes pass.
/// Nothing after the last attempt.
std::optional<Seconds> next_routing_attempt(unsigned failures);

}  // namespace quicksilver
