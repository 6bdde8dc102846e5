#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/administration.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace quicksilver {

/// What people say of a device that sends.
struct SourceNote {
    std::string name, comment;
    std::optional<double> expected_gap_s;  ///< how long it may be silent; nothing: what is learned counts
    bool muted_for_ever = false;
    std::optional<WallTime> muted_until;

    bool is_muted(WallTime now) const { return muted_for_ever || (muted_until && *muted_until > now); }
};

/// By the source's id, `AE@ADDRESS`. Throws DatabaseError. One thread at a time.
class SourceNotes {
public:
    explicit SourceNotes(Administration& administration) : connection_(administration.connection()) {}

    std::map<std::string, SourceNote> all();
    SourceNote find(std::string_view id);
    void save(std::string_view id, const SourceNote& note);

private:
    database::Connection& connection_;
};

}  // namespace quicksilver
