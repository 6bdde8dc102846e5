#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include "ssh_settings.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace quicksilver {

/// One SFTP connection, opened by the first call and kept for the next. Blocks; one thread. Errors name host and path,
/// never a secret: network, timed_out, refused (host key, log in, rights), no_space, not_found, cancelled, io.
class SftpSession {
public:
    /// Both outlive the session.
    SftpSession(const SshSettings& settings, const StopFlag& stop);
    ~SftpSession();

    /// Writes under a temporary name, makes the folders above it, and renames over what may be there. The bytes.
    Result<std::uint64_t> put_file(const std::filesystem::path& file, const std::string& path);
    Result<void> put_text(std::string_view text, const std::string& path);
    Result<void> remove(const std::string& path);
    /// Whether a folder can be read.
    Result<void> list(const std::string& folder);

private:
    struct Handle;
    std::unique_ptr<Handle> handle_;
};

}  // namespace quicksilver
