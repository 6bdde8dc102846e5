#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace quicksilver {

/// The secret of this installation from which pseudonyms are made: 32 random bytes in a file for its owner only.
/// Whoever has it can find out whether a known person is behind a pseudonym; who loses it gets other pseudonyms. Any
/// thread.
class SiteKey {
public:
    using Digest = std::array<std::uint8_t, 32>;

    /// The key of this file, which is made durably when it is not there. Errc::invalid for a file that is no key or
    /// that others may read.
    static Result<SiteKey> open(FileOps& ops, const std::filesystem::path& file);

    /// BLAKE2b of the text, keyed; another function for each purpose.
    Digest digest(std::string_view purpose, std::string_view text) const;

private:
    using Key = std::array<std::uint8_t, 32>;
    explicit SiteKey(const Key& key) : key_(key) {}
    static Result<SiteKey> read(const std::filesystem::path& file);

    Key key_;
};

}  // namespace quicksilver
