#pragma once

#include <cstddef>
#include <cstdint>

namespace quicksilver::rules {

/// Nothing in a rule is unbounded. At a limit the evaluation ends with the error named behind it, and the rule is
/// false.
struct ExpressionLimits {
    std::size_t text_length = 50'000;             ///< characters of a rule (mercure's); `limit_text`
    std::size_t nesting = 200;                    ///< brackets and operators inside each other; `limit_nesting`
    std::uint64_t steps = 1'000'000;              ///< operations and elements visited; `limit_steps`
    std::size_t memory_bytes = 16 * 1024 * 1024;  ///< everything one evaluation makes; `limit_memory`
    std::size_t string_length = 262'144;          ///< characters of a text (mercure's); `limit_string`
    std::int64_t exponent = 10'000;               ///< right side of `**` (mercure's); `limit_exponent`
    std::int64_t shift = 1'000;                   ///< right side of `<<` (mercure's); `limit_shift`
};

}  // namespace quicksilver::rules
