#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace quicksilver {

/// A part of an answer's body, both ends included.
struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;

    std::uint64_t length() const { return last - first + 1; }
    bool operator==(const ByteRange&) const = default;
};

enum class RangeVerdict {
    whole,          ///< no range, one that is malformed, or several: the whole body is the answer (RFC 9110 §14.2)
    part,           ///< 206
    unsatisfiable,  ///< 416
};

struct RequestedRange {
    RangeVerdict verdict = RangeVerdict::whole;
    ByteRange range;
};

/// The Range header of a request for a body of `size` bytes. Pure.
RequestedRange parse_range(std::string_view header, std::uint64_t size);

}  // namespace quicksilver
