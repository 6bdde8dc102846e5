#pragma once

#include "quicksilver/core/address_range.hpp"
#include "quicksilver/http/message.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// The reverse proxies whose word counts. Anybody can send X-Forwarded headers; from others they are ignored. Pure.
class TrustedProxies {
public:
    TrustedProxies() = default;
    explicit TrustedProxies(const std::vector<std::string>& ranges);

    bool trusts(std::string_view address) const;
    /// For a request whose `address` is the peer's: when it is one of these proxies, takes the client's address,
    /// scheme, host and prefix from X-Forwarded-For, -Proto, -Host and -Prefix. The client is the last address in the
    /// chain that is none of these proxies: what stands before it, the client may have made up.
    void apply(HttpRequest& request) const;

private:
    std::vector<AddressRange> ranges_;
};

/// The path without the prefix; as it is when it does not begin with it, as behind a proxy that takes the prefix away.
std::string path_below(std::string_view prefix, std::string path);

/// Puts the prefix before a Location of ours.
void add_prefix_to_location(std::string_view prefix, HttpResponse& response);

}  // namespace quicksilver
