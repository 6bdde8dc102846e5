#include "compress.hpp"

#include <boost/beast/core/string.hpp>
#include <zlib.h>

#include <string>
#include <string_view>

namespace quicksilver::api {

namespace {

/// Below this, one packet carries it in any case.
constexpr std::size_t worth_it_bytes = 1400;
/// Level 1: three quarters of the gain for a quarter of the time.
constexpr int level = 1;
constexpr int gzip_window_bits = 15 + 16;

bool gzip(std::string_view content, std::string& packed) {
    z_stream stream{};
    if (deflateInit2(&stream, level, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
    packed.resize(deflateBound(&stream, content.size()));
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return done;
}

}  // namespace

bool takes_gzip(std::string_view accept_encoding) {
    while (!accept_encoding.empty()) {
        std::string_view coding = accept_encoding.substr(0, accept_encoding.find(','));
        accept_encoding.remove_prefix(std::min(coding.size() + 1, accept_encoding.size()));
        while (coding.starts_with(' ')) coding.remove_prefix(1);
        const std::string_view name = coding.substr(0, coding.find_first_of("; "));
        if (!boost::beast::iequals(name, "gzip")) continue;
        const std::string_view weight = coding.substr(name.size());
        const std::size_t q = weight.find("q=");
        return q == std::string_view::npos || weight.substr(q + 2).find_first_of("123456789") != std::string_view::npos;
    }
    return false;
}

bool is_worth_packing(const HttpResponse& response) {
    return response.content_type.find("json") != std::string::npos && !response.stream &&
           response.content().size() >= worth_it_bytes;
}

void compress(const HttpRequest& request, HttpResponse& response) {
    if (!is_worth_packing(response)) return;
    const std::string_view content = response.content();
    response.headers.emplace_back("Vary", "Accept-Encoding");
    std::string packed;
    if (!takes_gzip(request.header("Accept-Encoding")) || !gzip(content, packed)) return;
    response.body = std::move(packed);
    response.static_body = {};
    response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace quicksilver::api
