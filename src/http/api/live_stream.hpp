#pragma once

#include "api.hpp"
#include "stream_seats.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace quicksilver::api {

/// What live streams have in common: a seat among those that may be open, and a look now and then at whether their
/// owner may still listen. Io thread only.
class LiveStream {
public:
    /// Throws ProblemError 503 when too many are open.
    LiveStream(const Api& api, const Call& call);

    /// False once the session or token has ended, or lost what the operation needs, or the server stops.
    boost::asio::awaitable<bool> may_go_on();

    /// The answer that a stream begins with.
    static HttpResponse answer(std::shared_ptr<BodySource> stream);

    static constexpr std::chrono::seconds heartbeat{15};
    static constexpr std::chrono::seconds recheck{45};  ///< with the heartbeat, within a minute

private:
    std::shared_ptr<const Api> api_;
    const Operation& operation_;
    Credentials credentials_;
    HttpRequest request_;
    StreamSeats::Seat seat_;
    SteadyTime checked_;
};

}  // namespace quicksilver::api
