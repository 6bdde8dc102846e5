#include "quicksilver/store/site_key.hpp"

#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <sys/stat.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

/// The rights are set before the key is in the file, and the file has its name only when it is whole.
Result<void> write_key(FileOps& ops, const fs::path& file, const std::string& text) {
    auto opened = ops.create(file);
    if (!opened) return opened.error();
    if (::fchmod(opened->descriptor(), 0600) != 0) return file_error("set the rights of", file, errno);
    if (auto written = ops.write(*opened, text); !written) return written;
    if (auto synced = ops.sync(*opened); !synced) return synced;
    return ops.close(*opened);
}

/// When two make it at the same time, the first one's counts for both.
Result<void> make_key(FileOps& ops, const fs::path& file) {
    const fs::path making = file.parent_path() / fmt::format(".{}-{}", file.filename().string(), make_task_id());
    auto written = write_key(ops, making, secrets::random_text(32) + "\n");
    if (written && !path_exists(file)) {
        const auto linked = ops.link(making, file);
        if (!linked && linked.error().code != Errc::already_exists) written = linked.error();
        if (linked && *linked == Placed::needs_copy) {
            const auto renamed = ops.rename(making, file);
            if (!renamed) written = renamed.error();
        }
    }
    (void)ops.unlink(making);
    return written ? ops.sync_folder(file.parent_path()) : written;
}

}  // namespace

Result<SiteKey> SiteKey::open(FileOps& ops, const fs::path& file) {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be used on this machine");
    if (!path_exists(file)) {
        if (auto made = make_key(ops, file); !made) return made.error();
    }
    return read(file);
}

Result<SiteKey> SiteKey::read(const fs::path& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return file_error("read", file, errno);
    if ((status.st_mode & 077) != 0) {
        return Error{Errc::invalid, fmt::format("others may read the key {}, with which pseudonyms can be tried out: "
                                                "chmod 600 it, or take another key if somebody has seen it",
                                                file.string())};
    }
    auto text = read_text_file(file, 4096);
    if (!text) return text.error();
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    std::string bytes;
    Key key{};
    if (!secrets::from_base64url(*text, bytes) || bytes.size() != key.size()) {
        return Error{Errc::invalid, fmt::format("{} is not a key of this program: bring it back from a backup, or "
                                                "remove it to begin with new pseudonyms",
                                                file.string())};
    }
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return SiteKey(key);
}

SiteKey::Digest SiteKey::digest(std::string_view purpose, std::string_view text) const {
    Digest digest{};
    crypto_generichash_state state;
    crypto_generichash_init(&state, key_.data(), key_.size(), digest.size());
    const auto add = [&state](std::string_view part) {
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    };
    add(purpose);
    add(std::string_view("\0", 1));
    add(text);
    crypto_generichash_final(&state, digest.data(), digest.size());
    return digest;
}

}  // namespace quicksilver
