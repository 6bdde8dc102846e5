#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace quicksilver {

/// Collects a module's output between two writes, and keeps it within a limit: what comes after that is counted and
/// dropped, but for the last lines. Any thread.
class ModuleLog {
public:
    static constexpr std::size_t kept_max = 8UL << 20;    ///< bytes of one run, from its beginning
    static constexpr std::size_t tail_max = 64UL << 10;   ///< and from its end
    static constexpr std::size_t chunk_max = 64UL << 10;  ///< of one row in the database

    void add(std::string_view lines);
    /// What came since the last call.
    std::string take();
    /// At the end: the rest, with a note of what was left out.
    std::string finish();

    std::uint64_t left_out() const;

private:
    mutable std::mutex mutex_;  // guards the next
    std::string pending_;
    std::string tail_;  // beyond the limit
    std::size_t kept_ = 0;
    std::uint64_t dropped_ = 0;
};

}  // namespace quicksilver
