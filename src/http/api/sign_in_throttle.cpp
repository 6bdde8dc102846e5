#include "sign_in_throttle.hpp"

#include "quicksilver/core/address_range.hpp"

#include <algorithm>
#include <cmath>

namespace quicksilver::api {

using std::chrono::milliseconds;

namespace {

constexpr double tries_of_an_address = 20;         // a minute
constexpr double tries_at_an_account = 30;         // at once, from addresses that are new to it
constexpr double tries_at_an_account_per_min = 6;  // in the long run
constexpr const char* every_address = "";

/// Names are compared without case of ASCII letters, as in the database.
std::string folded(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

}  // namespace

double TokenBucket::level(SteadyTime now) const {
    const double seconds = std::chrono::duration<double>(now - counted_).count();
    return std::min(capacity_, tokens_ + std::max(0.0, seconds) * per_second_);
}

milliseconds TokenBucket::take(SteadyTime now) {
    tokens_ = level(now);
    counted_ = now;
    if (tokens_ >= 1) {
        tokens_ -= 1;
        return milliseconds(0);
    }
    return milliseconds(static_cast<long long>(std::ceil((1 - tokens_) / per_second_ * 1000)));
}

bool TokenBucket::is_full(SteadyTime now) const {
    return level(now) >= capacity_;
}

milliseconds SignInThrottle::try_now(const std::string& account, const std::string& address, SteadyTime now) {
    forget_old(now);
    const Pair who{folded(account), client_of_address(address)};
    if (const auto delay = delay_of(who, now); delay > milliseconds(0)) return delay;
    const auto delay = take_shares(who, now);
    // The next delay begins with the try, not with its end: else many at the same time would be one try.
    const auto failures = failures_.find(who);
    if (delay == milliseconds(0) && failures != failures_.end()) failures->second.last = now;
    return delay;
}

milliseconds SignInThrottle::take_shares(const Pair& who, SteadyTime now) {
    const auto& [account, client] = who;
    auto& of_address = addresses_.try_emplace(client, tries_of_an_address, tries_of_an_address / 60).first->second;
    if (const auto delay = of_address.take(now); delay > milliseconds(0)) return delay;
    if (!at_home_.contains(who)) {
        auto& of_account =
            accounts_.try_emplace(account, tries_at_an_account, tries_at_an_account_per_min / 60).first->second;
        if (const auto delay = of_account.take(now); delay > milliseconds(0)) return delay;
    }
    return trusted_.contains(client) ? milliseconds(0) : all_.take(now);
}

void SignInThrottle::failed(const std::string& account, const std::string& address, SteadyTime now) {
    Failures& failures = failures_[{folded(account), client_of_address(address)}];
    ++failures.count;
    failures.last = now;
}

void SignInThrottle::succeeded(const std::string& account, const std::string& address) {
    const Pair who{folded(account), client_of_address(address)};
    failures_.erase(who);
    failures_.erase({who.first, every_address});
    trusted_.insert(who.second);
    at_home_.insert(who);
}

milliseconds SignInThrottle::try_code_now(const std::string& account, const std::string& address, SteadyTime now) {
    const Pair everybody{folded(account), every_address};
    if (at_home_.contains({everybody.first, client_of_address(address)})) return milliseconds(0);
    const auto delay = delay_of(everybody, now);
    const auto failures = failures_.find(everybody);
    if (delay == milliseconds(0) && failures != failures_.end()) failures->second.last = now;
    return delay;
}

void SignInThrottle::code_failed(const std::string& account, const std::string& address, SteadyTime now) {
    failed(account, address, now);
    Failures& failures = failures_[{folded(account), every_address}];
    ++failures.count;
    failures.last = now;
}

void SignInThrottle::forgive(const std::string& account) {
    const std::string name = folded(account);
    std::erase_if(failures_, [&](const auto& entry) { return entry.first.first == name; });
    accounts_.erase(name);
}

milliseconds SignInThrottle::delay_of(const Pair& who, SteadyTime now) const {
    const auto found = failures_.find(who);
    if (found == failures_.end() || found->second.count < free_failures) return milliseconds(0);
    const std::size_t doublings = std::min<std::size_t>(found->second.count - free_failures, 9);
    const milliseconds delay = std::min<milliseconds>(std::chrono::seconds(1LL << doublings), delay_max);
    const auto waited = std::chrono::duration_cast<milliseconds>(now - found->second.last);
    return std::max(milliseconds(0), delay - waited);
}

/// Guessing with ever new names or from ever new addresses must not fill the memory.
void SignInThrottle::forget_old(SteadyTime now) {
    if (failures_.size() >= remembered_max) {
        std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.last > delay_max; });
        if (failures_.size() >= remembered_max) failures_.erase(failures_.begin());
    }
    if (trusted_.size() >= remembered_max) trusted_.clear();
    if (at_home_.size() >= remembered_max) at_home_.clear();
    for (auto* buckets : {&addresses_, &accounts_}) {
        if (buckets->size() < remembered_max) continue;
        std::erase_if(*buckets, [&](const auto& entry) { return entry.second.is_full(now); });
        if (buckets->size() >= remembered_max) buckets->erase(buckets->begin());
    }
}

}  // namespace quicksilver::api
