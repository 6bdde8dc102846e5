#include "idempotency.hpp"

#include "problem_error.hpp"

#include <algorithm>

namespace quicksilver::api {

namespace {

/// Of the answer that is kept in place of one that is too long: no request that succeeded has it.
constexpr unsigned too_long = 409;

}  // namespace

std::optional<HttpResponse> IdempotencyKeys::begin(const Id& id, const std::string& request_digest, SteadyTime now) {
    forget_old(now);
    const auto [place, is_new] = entries_.try_emplace(id);
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
    if (entry.response->status == too_long) {
        throw ProblemError(409, "done_already",
                           "The first request with this Idempotency-Key succeeded; its answer was too long to be kept. "
                           "Look at what it has changed.");
    }
    HttpResponse again = *entry.response;
    again.headers.emplace_back("Idempotency-Replayed", "true");
    return again;
}

void IdempotencyKeys::finish(const Id& id, const HttpResponse& response) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    if (response.content().size() > answer_bytes_max) {
        found->second.response.emplace().status = too_long;
    } else {
        found->second.response = response;
    }
}

void IdempotencyKeys::give_up(const Id& id) {
    entries_.erase(id);
}

void IdempotencyKeys::forget_old(SteadyTime now) {
    std::erase_if(entries_, [&](const auto& entry) { return now - entry.second.begun >= kept; });
    while (entries_.size() >= kept_max && forget_one()) continue;
}

/// What still runs stays, or it could be done twice. False when all run.
bool IdempotencyKeys::forget_one() {
    auto victim = entries_.end();
    std::size_t most = 0;
    for (auto begin = entries_.begin(); begin != entries_.end();) {
        std::size_t count = 0;
        auto oldest = entries_.end();
        auto entry = begin;
        for (; entry != entries_.end() && entry->first.user == begin->first.user; ++entry, ++count) {
            const bool older = oldest == entries_.end() || entry->second.begun < oldest->second.begun;
            if (entry->second.response && older) oldest = entry;
        }
        if (count > most && oldest != entries_.end()) {
            most = count;
            victim = oldest;
        }
        begin = entry;
    }
    if (victim == entries_.end()) return false;
    entries_.erase(victim);
    return true;
}

}  // namespace quicksilver::api
