#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

/// Now, for any thread, and waiting. Waiting is by the steady clock, so that nothing shifts when somebody sets the wall
/// clock.
class Clock {
public:
    virtual ~Clock() = default;
    virtual SteadyTime now() const = 0;
    virtual WallTime wall_now() const = 0;
    /// Waits on the calling coroutine's executor. Throws operation_aborted when the coroutine is cancelled.
    virtual boost::asio::awaitable<void> wait_until(SteadyTime when) = 0;

    boost::asio::awaitable<void> wait_for(std::chrono::nanoseconds duration) {
        return wait_until(now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(duration));
    }
};

std::unique_ptr<Clock> make_system_clock();

/// `YYYY-mm-dd HH:MM:SS` in the machine's time zone: mercure's form for task.json and the bookkeeper.
std::string local_timestamp(WallTime time);
/// Minutes since local midnight, 0–1439.
int local_minute_of_day(WallTime time);

/// RFC 3339 in UTC with milliseconds: 2026-11-22T10:17:52.000Z
std::string rfc3339(WallTime time);
/// What `rfc3339` wrote, also without the fraction; 1970 to 2199. Nothing for any other text.
std::optional<WallTime> parse_rfc3339(std::string_view text);
/// What `local_timestamp` wrote, in the machine's time zone of now. Nothing for any other text.
std::optional<WallTime> parse_local_timestamp(std::string_view text);

/// Whether `minute` (0–1439) is within mercure's off-peak window "HH:MM"–"HH:MM": both ends inclusive, over midnight
/// when the end is before the start, always when either cannot be read.
bool is_offpeak(std::string_view start, std::string_view end, int minute);

}  // namespace quicksilver
