#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/http/message.hpp"

#include <chrono>
#include <compare>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace quicksilver::api {

/// Remembers the answers to requests with an Idempotency-Key for 24 hours, so that a client whose connection broke can
/// ask again without doing it twice. When there are too many, the oldest goes of whoever has the most, so that nobody
/// loses theirs to the keys of another. In memory: after a restart a key counts as new. Io thread only.
class IdempotencyKeys {
public:
    struct Id {
        std::string user;
        std::string key;
        auto operator<=>(const Id&) const = default;
    };

    /// What to answer without doing anything; nothing: do it, then call `finish` or `give_up`.
    /// Throws ProblemError 409 while the first one runs, 422 when the key was used for another request.
    std::optional<HttpResponse> begin(const Id& id, const std::string& request_digest, SteadyTime now);
    void finish(const Id& id, const HttpResponse& response);
    void give_up(const Id& id);

    static constexpr std::chrono::hours kept{24};
    static constexpr std::size_t kept_max = 2000;               ///< of all users, besides those that still run
    static constexpr std::size_t answer_bytes_max = 16 * 1024;  ///< a larger answer is not kept, the key still is

private:
    struct Entry {
        std::string request_digest;
        SteadyTime begun{};
        std::optional<HttpResponse> response;
    };
    void forget_old(SteadyTime now);
    bool forget_one();

    std::map<Id, Entry> entries_;  // those of a user stand together
};

}  // namespace quicksilver::api
