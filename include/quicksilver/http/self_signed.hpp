#pragma once

#include "quicksilver/core/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver {

struct SelfSigned {
    std::filesystem::path certificate, key;
    std::string fingerprint;  ///< SHA-256 as browsers show it: AB:CD:…
};

/// Makes DIR/certificate.pem and DIR/key.pem (for the owner only): P-256, two years, for these names and addresses.
/// Errc::already_exists when one of the files is there. Blocks.
Result<SelfSigned> make_self_signed(const std::filesystem::path& folder, const std::vector<std::string>& names);

}  // namespace quicksilver
