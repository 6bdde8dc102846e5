#include "quicksilver/http/assets.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

// Defined in embedded.S.
#define QUICKSILVER_EMBEDDED(name)                               \
    extern "C" const char quicksilver_embedded_##name##_begin[]; \
    extern "C" const char quicksilver_embedded_##name##_end[]
QUICKSILVER_EMBEDDED(index_html);
QUICKSILVER_EMBEDDED(status_css);
QUICKSILVER_EMBEDDED(status_js);
QUICKSILVER_EMBEDDED(favicon_svg);
#undef QUICKSILVER_EMBEDDED

namespace quicksilver {

namespace {

struct Asset {
    std::string path;
    std::string content_type;
    std::string_view content;
    std::string etag;
};

std::string make_etag(std::string_view content) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    EVP_Digest(content.data(), content.size(), hash.data(), &length, EVP_sha256(), nullptr);
    std::string etag = "\"";
    for (std::size_t i = 0; i < 16; ++i) etag += fmt::format("{:02x}", hash[i]);
    return etag + "\"";
}

void add_asset(Routes& routes, const char* path, const char* content_type, const char* begin, const char* end) {
    Asset asset{path, content_type, std::string_view(begin, static_cast<std::size_t>(end - begin)), ""};
    asset.etag = make_etag(asset.content);
    routes.add("GET", path, [asset](const HttpRequest& request) -> boost::asio::awaitable<HttpResponse> {
        HttpResponse response;
        // Kept by the browser, but asked about each time: a new version of the program shows at once.
        response.cache_control = "no-cache";
        response.headers.emplace_back("ETag", asset.etag);
        if (matches_etag(request.header("If-None-Match"), asset.etag)) {
            response.status = 304;
            co_return response;
        }
        response.content_type = asset.content_type;
        response.static_body = asset.content;
        co_return response;
    });
}

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

}  // namespace

void add_asset_routes(Routes& routes) {
    add_asset(routes, "/", "text/html; charset=utf-8", quicksilver_embedded_index_html_begin,
              quicksilver_embedded_index_html_end);
    add_asset(routes, "/status.css", "text/css; charset=utf-8", quicksilver_embedded_status_css_begin,
              quicksilver_embedded_status_css_end);
    add_asset(routes, "/status.js", "text/javascript; charset=utf-8", quicksilver_embedded_status_js_begin,
              quicksilver_embedded_status_js_end);
    add_asset(routes, "/favicon.svg", "image/svg+xml", quicksilver_embedded_favicon_svg_begin,
              quicksilver_embedded_favicon_svg_end);
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
    // An entity tag may hold a comma, ours do not: splitting at commas never finds a tag that is not there.
    while (!if_none_match.empty()) {
        std::string_view tag = trimmed(if_none_match.substr(0, if_none_match.find(',')));
        if_none_match.remove_prefix(std::min(if_none_match.find(','), if_none_match.size() - 1) + 1);
        if (tag.starts_with("W/")) tag.remove_prefix(2);
        if (tag == etag || tag == "*") return true;
    }
    return false;
}

}  // namespace quicksilver
