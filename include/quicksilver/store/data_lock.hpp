#pragma once

#include "quicksilver/store/file_ops.hpp"

#include <filesystem>
#include <string>

namespace quicksilver {

/// The right to use a data folder: RUN/quicksilver.lock, held by flock, so it ends with the process however that ends.
/// The file tells the next start how this one ended. One thread.
class DataLock {
public:
    /// Makes the folder if needed. Errc::busy: "another server (pid N) uses this data folder …".
    static Result<DataLock> acquire(const std::filesystem::path& run_folder);
    /// The same with another boot id, for tests.
    static Result<DataLock> acquire(const std::filesystem::path& run_folder, std::string boot_id);

    bool is_first_run() const { return first_run_; }
    /// The last run ended by `mark_clean_stop`.
    bool last_run_stopped_cleanly() const { return clean_; }
    /// The machine, not only the program, was restarted: unsynced data is gone, so a torn file is possible. True too
    /// when it cannot be known.
    bool machine_restarted_since_last_run() const { return restarted_; }

    /// The last act of a clean stop.
    Result<void> mark_clean_stop();

private:
    DataLock() = default;
    Result<void> write_state(bool stopped_cleanly);

    OpenFile file_;
    std::string boot_id_;
    bool first_run_ = false;
    bool clean_ = false;
    bool restarted_ = false;
};

}  // namespace quicksilver
