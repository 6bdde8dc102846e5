#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace quicksilver {

/// What SFTP and rsync need to reach a host over SSH.
struct SshSettings {
    std::string target;  ///< its name in the configuration
    std::string host, user, password;
    std::uint16_t port = 22;
    std::filesystem::path private_key;  ///< empty: none
    std::filesystem::path known_hosts;
    bool trust_on_first_use = true;
    std::string folder;  ///< there; relative to the user's home unless it begins with a slash
};

/// Errc::invalid when something is missing.
Result<SshSettings> read_ssh_settings(const TargetConfig& target, const Config& config);

/// The first of `candidates` that exists: libssh2 tries fewer kinds of keys by itself than OpenSSH.
std::filesystem::path default_private_key(const std::filesystem::path& home);

/// A line of a known_hosts file for a host key as it comes from the network; "" for one that cannot be read.
std::string known_hosts_line(const std::string& host, std::uint16_t port, std::string_view key);

}  // namespace quicksilver
