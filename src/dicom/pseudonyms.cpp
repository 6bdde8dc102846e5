#include "quicksilver/dicom/pseudonyms.hpp"

#include "quicksilver/dicom/uids.hpp"

#include <algorithm>
#include <utility>

namespace quicksilver::dicom {

namespace {

/// 80 bits in letters and digits that nobody mistakes for each other.
std::string letters(const Pseudonyms::Digest& digest) {
    constexpr std::string_view alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    constexpr std::size_t bytes = 10;
    std::string text;
    unsigned bits = 0;
    unsigned held = 0;
    for (std::size_t at = 0; at < bytes; ++at) {
        held = (held << 8U) | digest.at(at);
        for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31U];
        held &= 0xffU;
    }
    return text;
}

}  // namespace

Pseudonyms::Pseudonyms(KeyedHash hash, std::string prefix) : hash_(std::move(hash)), prefix_(std::move(prefix)) {}

std::string Pseudonyms::uid(std::string_view original) const {
    if (original.empty() || original.starts_with("1.2.840.10008.")) return std::string(original);
    const Digest digest = hash_("uid", original);
    return make_uid(std::string(digest.begin(), digest.end()));
}

std::string Pseudonyms::patient(std::string_view identity) const {
    return prefix_ + letters(hash_("patient", identity));
}

int Pseudonyms::days_back(std::string_view identity, int days_max) const {
    const Digest digest = hash_("date shift", identity);
    std::uint64_t number = 0;
    for (std::size_t at = 0; at < sizeof(number); ++at) number = (number << 8U) | digest.at(at);
    return 1 + static_cast<int>(number % static_cast<std::uint64_t>(std::max(days_max, 1)));
}

std::string Pseudonyms::name(std::string_view original) const {
    return letters(hash_("name", original));
}

}  // namespace quicksilver::dicom
