#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// What a module keeps between its runs (contract §6.3), for people who look at it or change it. Whatever lies in the
/// folder, nothing outside is read or written: names are checked, and links are followed nowhere. Blocks.
class PersistenceFolder {
public:
    struct File {
        std::string name;  ///< `a.json`, `sub/a.json`
        std::uint64_t bytes = 0;
        WallTime modified;
    };
    struct Content {
        std::optional<std::string> text;  ///< nothing when there are more than `shown_max` bytes
        std::uint64_t bytes = 0;
        std::string version;  ///< another one for other content
    };

    /// `ops` outlives this.
    PersistenceFolder(FileOps& ops, std::filesystem::path folder) : ops_(ops), folder_(std::move(folder)) {}

    /// Regular files, also those in sub-folders, by name; without locks of runs. Empty when there is no folder.
    Result<std::vector<File>> list() const;
    /// Errc::not_found when there is no such file.
    Result<Content> read(const std::string& name) const;
    /// Makes the file, or replaces it durably. While nobody runs who uses the folder.
    Result<void> write(const std::string& name, std::string_view text) const;
    /// Fine when it is not there.
    Result<void> remove(const std::string& name) const;

    /// Whether that may be the name of a file: nothing that leads elsewhere, no hidden names, no locks.
    static bool is_file_name(std::string_view name);

    static constexpr std::uint64_t shown_max = 1024 * 1024;
    static constexpr std::size_t listed_max = 2000;
    static constexpr int depth_max = 8;

private:
    Result<OpenFile> open_parent(const std::string& name) const;
    Result<std::filesystem::path> place_of(const std::string& name) const;

    FileOps& ops_;
    const std::filesystem::path folder_;
};

}  // namespace quicksilver
