#include "quicksilver/store/hold_marker.hpp"

#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t marker_bytes_max = 1UL << 20;

fs::path marker_of(const fs::path& folder) {
    return folder / markers::held;
}

/// Leaves a folder as old as it was: being kept, or no longer being kept, is no work on it.
class SameAge {
public:
    explicit SameAge(const fs::path& folder) : folder_(folder) { known_ = ::stat(folder.c_str(), &before_) == 0; }
    ~SameAge() {
        const timespec times[2] = {{0, UTIME_OMIT}, before_.st_mtim};
        if (known_) (void)::utimensat(AT_FDCWD, folder_.c_str(), times, 0);
    }
    SameAge(const SameAge&) = delete;
    SameAge& operator=(const SameAge&) = delete;

private:
    const fs::path& folder_;
    struct stat before_ {};
    bool known_ = false;
};

}  // namespace

Holds parse_holds(std::string_view text) {
    Holds holds;
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return holds;
    for (const auto& [series, hold] : json.items()) {
        if (!hold.is_object()) return {};
        const auto text_of = [&hold](const char* name) {
            const auto found = hold.find(name);
            return found != hold.end() && found->is_string() ? found->get<std::string>() : std::string();
        };
        holds[series] = Hold{text_of("user"), text_of("since")};
    }
    return holds;
}

std::string to_json_text(const Holds& holds) {
    nlohmann::json json = nlohmann::json::object();
    for (const auto& [series, hold] : holds) json[series] = {{"user", hold.user}, {"since", hold.since}};
    return json.dump(1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::optional<Holds> TaskFolders::holds_of(const fs::path& folder) {
    if (!path_exists(marker_of(folder))) return std::nullopt;
    const auto text = read_text_file(marker_of(folder), marker_bytes_max);
    if (!text && text.error().code == Errc::not_found) return std::nullopt;
    return text ? parse_holds(*text) : Holds();
}

Result<void> TaskFolders::hold(const fs::path& folder, const Holds& holds) const {
    const std::lock_guard lock(holds_mutex_);
    if (!path_exists(folder)) return file_error("hold", folder, ENOENT);
    Holds all = holds_of(folder).value_or(Holds());
    for (const auto& [series, hold] : holds) all.insert_or_assign(series, hold);
    const SameAge same_age(folder);
    return write_durably(ops_, marker_of(folder), to_json_text(all));
}

Result<bool> TaskFolders::release(const fs::path& folder, const std::string& series_uid) const {
    const std::lock_guard lock(holds_mutex_);
    auto holds = holds_of(folder);
    if (!holds) return false;
    const bool of_nobody = holds->empty();
    if (holds->erase(series_uid) == 0 && !of_nobody) return false;
    const SameAge same_age(folder);
    if (!holds->empty()) {
        if (auto written = write_durably(ops_, marker_of(folder), to_json_text(*holds)); !written) {
            return std::move(written).error();
        }
        return true;
    }
    if (auto removed = ops_.unlink(marker_of(folder)); !removed) return std::move(removed).error();
    if (auto synced = ops_.sync_folder(folder); !synced) return std::move(synced).error();
    return true;
}

Result<void> TaskFolders::remove_unless_held(const fs::path& folder) const {
    fs::path removing;
    {
        const std::lock_guard lock(holds_mutex_);
        if (path_exists(marker_of(folder))) {
            return Error{Errc::busy, fmt::format("{} is held; release it first", folder.filename().string())};
        }
        auto renamed = hide_to_remove(ops_, folder);
        if (!renamed) return std::move(renamed).error();
        removing = std::move(*renamed);
    }
    return removing.empty() ? Result<void>() : remove_folder_tree(ops_, removing);
}

}  // namespace quicksilver
