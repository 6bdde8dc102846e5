#include "forwarded.hpp"

#include "quicksilver/core/path_prefix.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <optional>

namespace quicksilver {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Each proxy may add a value at the end, in the same line or in one of its own.
std::vector<std::string_view> values_of(const HttpRequest& request, std::string_view name) {
    std::vector<std::string_view> values;
    for (const auto& [header, value] : request.headers) {
        if (!boost::beast::iequals(header, name)) continue;
        for (std::string_view rest = value; !rest.empty();) {
            const std::string_view one = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(one.size() + 1, rest.size()));
            values.push_back(trimmed(one));
        }
    }
    return values;
}

/// "10.0.0.1", "10.0.0.1:4711", "2001:db8::1", "[2001:db8::1]:4711"
std::optional<std::string> address_in(std::string_view text) {
    if (text.starts_with('[')) return plain_address(text.substr(1, std::min(text.find(']'), text.size()) - 1));
    if (std::ranges::count(text, ':') == 1) text = text.substr(0, text.find(':'));
    return plain_address(text);
}

/// What the outermost of `hops` trusted proxies said. One that does not add to the list but replaces it leaves fewer.
std::string_view value_at_hop(const std::vector<std::string_view>& values, std::size_t hops) {
    if (values.empty()) return {};
    return values[values.size() - std::min(hops, values.size())];
}

bool is_host(std::string_view text) {
    constexpr std::size_t length_max = 260;
    const auto fits = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
               c == '_' || c == ':' || c == '[' || c == ']';
    };
    return !text.empty() && text.size() <= length_max && std::ranges::all_of(text, fits);
}

}  // namespace

TrustedProxies::TrustedProxies(const std::vector<std::string>& ranges) {
    for (const std::string& text : ranges) {
        if (const auto range = AddressRange::parse(text)) ranges_.push_back(*range);
    }
}

bool TrustedProxies::trusts(std::string_view address) const {
    return std::ranges::any_of(ranges_, [&](const AddressRange& range) { return range.contains(address); });
}

void TrustedProxies::apply(HttpRequest& request) const {
    if (!trusts(request.address)) return;
    const auto chain = values_of(request, "X-Forwarded-For");
    std::size_t hops = 0;
    while (trusts(request.address) && hops < chain.size()) {
        const auto before = address_in(chain[chain.size() - 1 - hops]);
        ++hops;
        if (!before) break;  // a proxy that does not know: as far as the chain can be read, this is the client
        request.address = *before;
    }
    hops = std::max<std::size_t>(hops, 1);

    const std::string_view scheme = value_at_hop(values_of(request, "X-Forwarded-Proto"), hops);
    if (boost::beast::iequals(scheme, "https")) request.secure = true;
    if (boost::beast::iequals(scheme, "http")) request.secure = false;
    const std::string_view host = value_at_hop(values_of(request, "X-Forwarded-Host"), hops);
    if (is_host(host)) request.forwarded_host = std::string(host);
    const std::string_view prefix = value_at_hop(values_of(request, "X-Forwarded-Prefix"), hops);
    if (auto path = parse_path_prefix(prefix); path && !path->empty()) request.prefix = *std::move(path);
}

std::string path_below(std::string_view prefix, std::string path) {
    if (prefix.empty() || !path.starts_with(prefix)) return path;
    if (path.size() == prefix.size()) return "/";
    if (path[prefix.size()] != '/') return path;
    return path.substr(prefix.size());
}

void add_prefix_to_location(std::string_view prefix, HttpResponse& response) {
    if (prefix.empty()) return;
    for (auto& [name, value] : response.headers) {
        if (name == "Location" && value.starts_with('/')) value.insert(0, prefix);
    }
}

}  // namespace quicksilver
