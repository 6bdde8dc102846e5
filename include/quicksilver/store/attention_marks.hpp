#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/administration.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

/// What somebody has said about an open problem.
struct AttentionMark {
    std::string acknowledged_by, acknowledged_at;  ///< "" when nobody has
    std::string acknowledged_text;                 ///< the problem as it was then: another one is news
    std::optional<WallTime> muted_until;
};

/// Which open problems people know of already, over restarts. Throws DatabaseError. One thread at a time.
class AttentionMarks {
public:
    explicit AttentionMarks(Administration& administration) : connection_(administration.connection()) {}

    std::map<std::string, AttentionMark> all();
    void acknowledge(std::string_view id, std::string_view text, std::string_view user, WallTime now);
    /// Nothing: no longer.
    void mute(std::string_view id, std::optional<WallTime> until, WallTime now);

private:
    void forget_old(WallTime now);
    database::Connection& connection_;
};

}  // namespace quicksilver
