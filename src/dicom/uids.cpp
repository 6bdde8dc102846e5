#include "quicksilver/dicom/uids.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcuid.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>

namespace quicksilver::dicom {

namespace {

__extension__ using uint128 = unsigned __int128;

std::string decimal(uint128 number) {
    std::string digits;
    do {
        digits += static_cast<char>('0' + static_cast<int>(number % 10));
        number /= 10;
    } while (number != 0);
    std::reverse(digits.begin(), digits.end());
    return digits;
}

}  // namespace

std::string uid_name(const std::string& uid) {
    return dcmFindNameOfUID(uid.c_str(), uid.c_str());
}

std::string make_uid(std::string_view seed) {
    XXH128_hash_t hash = XXH3_128bits(seed.data(), seed.size());
    // The number of a UUID of version 8, whose other bits its maker may choose (RFC 9562 §5.8).
    hash.high64 = (hash.high64 & ~std::uint64_t{0xf000}) | 0x8000;
    hash.low64 = (hash.low64 & ~(std::uint64_t{3} << 62U)) | (std::uint64_t{2} << 62U);
    return "2.25." + decimal((uint128{hash.high64} << 64U) | hash.low64);
}

}  // namespace quicksilver::dicom
