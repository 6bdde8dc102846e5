#pragma once

#include "api.hpp"

#include <boost/asio/awaitable.hpp>

#include <optional>

namespace quicksilver::api {

/// Who sends, in brief, as it was at most a minute ago: the history is not asked for each who wants to know. Io thread.
class KnownSources {
public:
    explicit KnownSources(const Api& api) : api_(api) {}

    /// [{"id","name","last_seen","overdue"}], the last seen first; `overdue` only where somebody wants to hear of it.
    /// Empty while the database cannot be read.
    boost::asio::awaitable<Json> look(const Call& call);

private:
    const Api& api_;
    std::optional<SteadyTime> looked_;
    Json sources_ = Json::array();
};

}  // namespace quicksilver::api
