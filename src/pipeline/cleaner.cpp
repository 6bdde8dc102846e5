#include "quicksilver/pipeline/cleaner.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace quicksilver {

namespace {

constexpr const char* sender = "cleaner.main";

bool on_same_disk(const std::filesystem::path& a, const std::filesystem::path& b) {
    struct stat first {};
    struct stat second {};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev;
}

}  // namespace

DiskSpace disk_space(const std::filesystem::path& folder) {
    struct statvfs status {};
    if (::statvfs(folder.c_str(), &status) != 0) return {};
    return DiskSpace{std::uint64_t{status.f_blocks} * status.f_frsize,
                     std::uint64_t{status.f_bavail} * status.f_frsize};
}

Cleaner::Cleaner(StageContext context, MeasureDisk measure)
    : context_(std::move(context)), measure_(std::move(measure)) {}

boost::asio::awaitable<void> Cleaner::run() {
    for (;;) {
        co_await clean_once();
        const Seconds interval = context_.config()->cleaner.scan_interval;
        co_await context_.clock.wait_for(std::chrono::duration_cast<std::chrono::nanoseconds>(interval));
    }
}

boost::asio::awaitable<void> Cleaner::clean_once() {
    const auto config = context_.config();
    auto clean = [&] { return clean_blocking(config->cleaner); };
    const auto removed = co_await run_blocking(context_.files, clean);
    bool emergency = false;
    for (const Removed& one : removed) {
        if (!one.error.empty()) {
            context_.log.warn("cannot remove a folder", kv("folder", one.folder.string()), kv("reason", one.error));
            continue;
        }
        ++totals_.removed_total;
        emergency = emergency || one.emergency;
        context_.books.task_event(one.folder.filename(), sender, TaskEventType::clean, 0, one.folder.string(),
                                  "Deleted folder");
    }
    if (emergency) {
        ++totals_.emergencies_total;
        context_.log.warn("the disk is almost full; the oldest delivered and discarded series were removed",
                          kv("folders", removed.size()));
        context_.books.server_event(sender, MercureEventType::processing, Severity::warning,
                                    "Disk is almost full: the oldest folders were deleted");
    }
}

/// On the files pool.
std::vector<Cleaner::Removed> Cleaner::clean_blocking(const CleanerConfig& config) const {
    std::vector<Removed> removed;
    clean_emergency(config, removed);
    const WallTime now = context_.clock.wall_now();
    auto all = candidates({Stage::success, Stage::discard});
    for (const CleaningCandidate& one : expired(std::move(all), config, now, local_minute_of_day(now))) {
        removed.push_back(remove(one.folder, false));
    }
    return removed;
}

/// Oldest first, measuring again after each, so that no more goes than must.
void Cleaner::clean_emergency(const CleanerConfig& config, std::vector<Removed>& removed) const {
    const auto& success = context_.folders.path(Stage::success);
    const auto& discard = context_.folders.path(Stage::discard);
    const bool together = on_same_disk(success, discard);
    const std::vector<std::vector<Stage>> disks =
        together ? std::vector<std::vector<Stage>>{{Stage::success, Stage::discard}}
                 : std::vector<std::vector<Stage>>{{Stage::success}, {Stage::discard}};
    for (const std::vector<Stage>& stages : disks) {
        const auto is_full = [&] {
            const DiskSpace space = measure_(context_.folders.path(stages.front()));
            return is_disk_almost_full(space.total_bytes, space.available_bytes, config.emergency_percentage);
        };
        if (!is_full()) continue;
        for (const CleaningCandidate& one : candidates(stages)) {
            removed.push_back(remove(one.folder, true));
            if (!is_full()) break;
        }
    }
}

Cleaner::Removed Cleaner::remove(const std::filesystem::path& folder, bool emergency) const {
    const auto done = context_.folders.remove(folder);
    return Removed{folder, emergency, done ? std::string() : done.error().message};
}

/// Oldest first, without those that somebody works in.
std::vector<CleaningCandidate> Cleaner::candidates(const std::vector<Stage>& stages) const {
    std::vector<CleaningCandidate> found;
    for (const Stage stage : stages) {
        const auto entries = context_.folders.list(stage);
        if (!entries) continue;  // said by whoever needs the folder first
        for (const TaskEntry& entry : *entries) {
            const TaskMarkers markers = TaskFolders::markers_of(entry.path);
            if (!markers.lock && !markers.processing) found.push_back(CleaningCandidate{entry.path, entry.modified});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const CleaningCandidate& a, const CleaningCandidate& b) { return a.modified < b.modified; });
    return found;
}

}  // namespace quicksilver
