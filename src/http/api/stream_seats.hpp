#pragma once

#include "quicksilver/http/event_hub.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string>

namespace quicksilver::api {

/// How many live streams may be open: of one session or token, and in all. Io thread only.
class StreamSeats {
public:
    /// Given back with its last copy.
    using Seat = std::shared_ptr<const void>;

    /// Null when too many are taken.
    Seat take(const std::string& owner);
    std::size_t taken() const;

    static constexpr std::size_t of_one_max = 8;
    static constexpr std::size_t all_max = EventHub::clients_max;

private:
    using Counts = std::map<std::string, std::size_t>;
    std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();  // by owner
};

}  // namespace quicksilver::api
