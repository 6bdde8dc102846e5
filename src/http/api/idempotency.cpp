#include "idempotency.hpp"

#include "problem_error.hpp"

#include <algorithm>

namespace quicksilver::api {

std::optional<HttpResponse> IdempotencyKeys::begin(const std::string& user_and_key, const std::string& request_digest,
                                                   SteadyTime now) {
    forget_old(now);
    const auto [place, is_new] = entries_.try_emplace(user_and_key);
    Entry& entry = place->second;
    if (is_new) {
        entry.request_digest = request_digest;
        entry.begun = now;
        return std::nullopt;
    }
    if (entry.request_digest != request_digest) {
        throw ProblemError(422, "idempotency_key_reused",
                           "This Idempotency-Key belongs to another request; take a new one.");
    }
    if (!entry.response) {
        throw ProblemError(409, "in_progress", "The first request with this Idempotency-Key still runs.");
    }
    HttpResponse again = *entry.response;
    again.headers.emplace_back("Idempotency-Replayed", "true");
    return again;
}

void IdempotencyKeys::finish(const std::string& user_and_key, const HttpResponse& response) {
    const auto found = entries_.find(user_and_key);
    if (found == entries_.end()) return;
    found->second.response = response;
    if (response.body.size() > answer_bytes_max) found->second.response->body.clear();
}

void IdempotencyKeys::give_up(const std::string& user_and_key) {
    entries_.erase(user_and_key);
}

void IdempotencyKeys::forget_old(SteadyTime now) {
    if (entries_.empty()) return;
    std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.begun >= kept; });
    while (entries_.size() >= kept_max) {
        entries_.erase(std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.begun; }));
    }
}

}  // namespace quicksilver::api
