#pragma once

#include "quicksilver/core/clock.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace quicksilver::api {

/// So many at once, and so many a second in the long run. Pure.
class TokenBucket {
public:
    TokenBucket(double capacity, double per_second) : capacity_(capacity), per_second_(per_second), tokens_(capacity) {}

    /// Takes one, or tells how long until there is one.
    std::chrono::milliseconds take(SteadyTime now);
    bool is_full(SteadyTime now) const;

private:
    double level(SteadyTime now) const;

    double capacity_;
    double per_second_;
    double tokens_;
    SteadyTime counted_{};
};

/// Slows down who guesses passwords, and locks nobody out: after five failures at an account each further try from the
/// same address waits 1, 2, 4 … 300 s, and an address has 20 tries a minute. Against many addresses, an account has 30
/// tries at once and 6 a minute, besides those from where it was signed in to; and all together 200 a minute, besides
/// those from which somebody has signed in. So nobody slows down the owner of an account at their usual place. The
/// network /64 of an IPv6 address counts as one address, and a name that does not exist like one that does. Pure; for
/// one thread.
class SignInThrottle {
public:
    /// Zero: go on, and the try is counted. Else how long to wait; nothing was counted.
    std::chrono::milliseconds try_now(const std::string& account, const std::string& address, SteadyTime now);
    void failed(const std::string& account, const std::string& address, SteadyTime now);
    void succeeded(const std::string& account, const std::string& address);
    /// The same for the second factor, after the right password. Its million codes are few, so the failures of all
    /// addresses count together, besides those from where the account was signed in to.
    std::chrono::milliseconds try_code_now(const std::string& account, const std::string& address, SteadyTime now);
    void code_failed(const std::string& account, const std::string& address, SteadyTime now);
    /// An administrator says so.
    void forgive(const std::string& account);

    static constexpr std::size_t free_failures = 5;
    static constexpr std::chrono::seconds delay_max{300};
    static constexpr std::size_t remembered_max = 10'000;  ///< of each: failures, addresses, accounts

private:
    struct Failures {
        std::size_t count = 0;
        SteadyTime last{};
    };
    using Pair = std::pair<std::string, std::string>;  // account in small letters, address
    std::chrono::milliseconds delay_of(const Pair& who, SteadyTime now) const;
    std::chrono::milliseconds take_shares(const Pair& who, SteadyTime now);
    void forget_old(SteadyTime now);

    std::map<Pair, Failures> failures_;
    std::set<std::string> trusted_;  // addresses
    std::set<Pair> at_home_;         // where an account was signed in to
    std::map<std::string, TokenBucket> addresses_;
    std::map<std::string, TokenBucket> accounts_;
    TokenBucket all_{200, 200.0 / 60};
};

}  // namespace quicksilver::api
