#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/http/message.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

namespace quicksilver::api {

/// Remembers the answers to requests with an Idempotency-Key for 24 hours, so that a client whose connection broke can
/// ask again without doing it twice. In memory: after a restart a key counts as new. Io thread only.
class IdempotencyKeys {
public:
    /// What to answer without doing anything; nothing: do it, then call `finish` or `give_up`.
    /// Throws ProblemError 409 while the first one runs, 422 when the key was used for another request.
    std::optional<HttpResponse> begin(const std::string& user_and_key, const std::string& request_digest,
                                      SteadyTime now);
    void finish(const std::string& user_and_key, const HttpResponse& response);
    void give_up(const std::string& user_and_key);

    static constexpr std::chrono::hours kept{24};
    static constexpr std::size_t kept_max = 2000;
    static constexpr std::size_t answer_bytes_max = 16 * 1024;  ///< a larger answer is not kept, the key still is

private:
    struct Entry {
        std::string request_digest;
        SteadyTime begun{};
        std::optional<HttpResponse> response;
    };
    void forget_old(SteadyTime now);

    std::map<std::string, Entry> entries_;
};

}  // namespace quicksilver::api
