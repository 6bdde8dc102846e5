#include "quicksilver/http/sign_in_watch.hpp"

#include <fmt/format.h>

namespace quicksilver {

void SignInWatch::slowed(const std::string& address, SteadyTime now) {
    std::erase_if(addresses_, [&](const auto& entry) { return now - entry.second >= remembered; });
    if (addresses_.size() >= addresses_max && !addresses_.contains(address)) return;
    addresses_[address] = now;
}

std::string SignInWatch::problem(SteadyTime now) const {
    std::string named;
    std::size_t count = 0;
    for (const auto& [address, last] : addresses_) {
        if (now - last >= remembered) continue;
        if (++count <= addresses_named) named += (named.empty() ? "" : ", ") + address;
    }
    if (count == 0) return {};
    if (count > addresses_named) named += fmt::format(" and {} more", count - addresses_named);
    return fmt::format(
        "Sign-ins were slowed down; somebody may be guessing passwords, from {}. The audit has the tries.", named);
}

}  // namespace quicksilver
