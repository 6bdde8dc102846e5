#pragma once

#include <zlib.h>

#include <string>

namespace quicksilver::test {

/// What gzip packed, of at most 100,000 bytes.
inline std::string unpack(std::string packed) {
    std::string text(100'000, '\0');
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(text.data());
    stream.avail_out = static_cast<uInt>(text.size());
    inflate(&stream, Z_FINISH);
    text.resize(stream.total_out);
    inflateEnd(&stream);
    return text;
}

}  // namespace quicksilver::test
