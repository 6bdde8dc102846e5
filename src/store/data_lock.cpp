#include "quicksilver/store/data_lock.hpp"

#include "quicksilver/store/durable_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace {

constexpr const char* lock_name = "quicksilver.lock";
constexpr const char* boot_id_file = "/proc/sys/kernel/random/boot_id";

/// A new one for each start of the machine; empty when the system has none.
std::string read_boot_id() {
    auto text = read_text_file(boot_id_file, 1024);
    if (!text) return {};
    while (!text->empty() && text->back() == '\n') text->pop_back();
    return std::move(*text);
}

nlohmann::json parse_state(std::string_view text) {
    auto state = nlohmann::json::parse(text, nullptr, false);
    return state.is_object() ? state : nlohmann::json::object();
}

template <class T>
T field(const nlohmann::json& state, const char* key, T fallback) {
    const auto found = state.find(key);
    if (found == state.end()) return fallback;
    try {
        return found->get<T>();
    } catch (const nlohmann::json::exception&) {
        return fallback;
    }
}

Error in_use(const std::filesystem::path& run_folder, std::string_view state) {
    const int pid = field(parse_state(state), "pid", 0);
    return Error{Errc::busy,
                 fmt::format("another server (pid {}) uses this data folder ({}); stop it, or give this one "
                             "another folder with --data",
                             pid, run_folder.string())};
}

}  // namespace

Result<DataLock> DataLock::acquire(const std::filesystem::path& run_folder) {
    return acquire(run_folder, read_boot_id());
}

Result<DataLock> DataLock::acquire(const std::filesystem::path& run_folder, std::string boot_id) {
    const auto ops = make_file_ops();
    if (auto made = make_folders(*ops, run_folder); !made) return std::move(made).error();
    const std::filesystem::path path = run_folder / lock_name;
    const bool is_new = !path_exists(path);
    // Rewritten in place, never replaced: the lock belongs to the file, not to its name.
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) return file_error("open the lock file", path, errno);

    DataLock lock;
    lock.file_ = OpenFile(descriptor, path);
    lock.boot_id_ = std::move(boot_id);
    const bool locked = ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    const int lock_error = errno;
    auto state_text = read_text_file(path, 1UL << 16);
    if (!locked && lock_error == EWOULDBLOCK) return in_use(run_folder, state_text ? *state_text : "");
    if (!locked) return file_error("lock", path, lock_error);
    if (!state_text) return std::move(state_text).error();

    lock.first_run_ = is_new;
    const auto state = parse_state(*state_text);
    const std::string last_boot = field<std::string>(state, "boot_id", "");
    lock.clean_ = lock.first_run_ || field(state, "stopped_cleanly", false);
    lock.restarted_ = !lock.first_run_ && (last_boot.empty() || last_boot != lock.boot_id_);
    if (auto written = lock.write_state(false); !written) return std::move(written).error();
    if (auto synced = ops->sync_folder(run_folder); !synced) return std::move(synced).error();
    return lock;
}

Result<void> DataLock::mark_clean_stop() {
    return write_state(true);
}

Result<void> DataLock::write_state(bool stopped_cleanly) {
    const nlohmann::ordered_json state = {
        {"pid", ::getpid()}, {"boot_id", boot_id_}, {"stopped_cleanly", stopped_cleanly}};
    const std::string text = state.dump() + '\n';
    const auto ops = make_file_ops();
    if (::ftruncate(file_.descriptor(), 0) != 0) return file_error("write", file_.path(), errno);
    if (auto written = ops->write_at(file_, text, 0); !written) return written;
    return ops->sync(file_);
}

}  // namespace quicksilver
