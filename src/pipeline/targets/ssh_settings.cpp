#include "ssh_settings.hpp"

#include "settings.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <charconv>
#include <cstdlib>

namespace quicksilver {

std::filesystem::path default_private_key(const std::filesystem::path& home) {
    for (const char* name : {"id_ed25519", "id_ecdsa", "id_rsa"}) {
        const std::filesystem::path key = home / ".ssh" / name;
        std::error_code ignored;
        if (std::filesystem::exists(key, ignored)) return key;
    }
    return {};
}

Result<SshSettings> read_ssh_settings(const TargetConfig& target, const Config& config) {
    const TargetSettings values(target);
    SshSettings settings;
    settings.target = target.name;
    settings.host = values.text("host");
    settings.user = values.text("user");
    settings.password = values.text("password");
    settings.folder = values.text("folder");
    for (const char* field : {"host", "user", "folder"}) {
        if (values.text(field).empty()) {
            return Error{Errc::invalid, fmt::format("target {} has no `{}`", target.name, field)};
        }
    }
    for (const std::string& word : {settings.host, settings.user}) {
        // ssh and rsync would take it for an option.
        if (word.starts_with('-')) {
            return Error{Errc::invalid, fmt::format("target {}: \"{}\" begins with a hyphen", target.name, word)};
        }
    }
    const std::string port = values.text("port", "22");
    std::from_chars(port.data(), port.data() + port.size(), settings.port);
    settings.private_key = values.text("private_key");
    const char* home = std::getenv("HOME");
    if (settings.private_key.empty() && settings.password.empty() && home)
        settings.private_key = default_private_key(home);
    settings.known_hosts = values.text("known_hosts");
    if (settings.known_hosts.empty()) settings.known_hosts = config.folders.data / "known_hosts";
    settings.trust_on_first_use = values.flag("trust_on_first_use", true);
    return settings;
}

std::string known_hosts_line(const std::string& host, std::uint16_t port, std::string_view key) {
    // A key begins with the name of its kind, after four bytes of its length (RFC 4253 §6.6).
    if (key.size() < 4) return {};
    std::size_t length = 0;
    for (const char byte : key.substr(0, 4)) length = length * 256 + static_cast<unsigned char>(byte);
    if (length == 0 || length > key.size() - 4) return {};
    const std::string_view kind = key.substr(4, length);
    std::string base64(4 * ((key.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()), reinterpret_cast<const unsigned char*>(key.data()),
                    static_cast<int>(key.size()));
    const std::string name = port == 22 ? host : fmt::format("[{}]:{}", host, port);
    return fmt::format("{} {} {}\n", name, kind, base64);
}

}  // namespace quicksilver
