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
    const Round round = co_await run_blocking(context_.files, clean);
    bool emergency = false;
    for (const Removed& one : round.removed) {
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
                          kv("folders", round.removed.size()));
        context_.books.server_event(sender, MercureEventType::processing, Severity::warning,
                                    "Disk is almost full: the oldest folders were deleted");
    }
    note_held(round.held_in_the_way);
}

/// Said when it begins; the interface says it for as long as it lasts.
void Cleaner::note_held(std::uint64_t in_the_way) {
    if (in_the_way > 0 && totals_.held_in_the_way == 0) {
        context_.log.error("the disk is almost full, and all that is left to remove is held by people",
                           kv("folders", in_the_way));
        context_.books.server_event(sender, MercureEventType::processing, Severity::error,
                                    "Disk is almost full, and all that is left to remove is held");
    }
    totals_.held_in_the_way = in_the_way;
}

/// On the files pool.
Cleaner::Round Cleaner::clean_blocking(const CleanerConfig& config) const {
    Round round;
    clean_emergency(config, round);
    const WallTime now = context_.clock.wall_now();
    auto all = cleaning_candidates(context_.folders, {Stage::success, Stage::discard});
    for (const CleaningCandidate& one : expired(std::move(all), config, now, local_minute_of_day(now))) {
        if (!one.held) remove(one, false, round);
    }
    return round;
}

/// Oldest first, measuring again after each, so that no more goes than must.
void Cleaner::clean_emergency(const CleanerConfig& config, Round& round) const {
    const auto& success = context_.folders.path(Stage::success);
    const auto& discard = context_.folders.path(Stage::discard);
    const bool together = on_same_disk(success, discard);
    const std::vector<std::vector<Stage>> disks =
        together ? std::vector<std::vector<Stage>>{{Stage::success, Stage::discard}}
                 : std::vector<std::vector<Stage>>{{Stage::success}, {Stage::discard}};
    for (const std::vector<Stage>& stages : disks) {
        bool full = true;
        const auto measure = [&] {
            const DiskSpace space = measure_(context_.folders.path(stages.front()));
            full = is_disk_almost_full(space.total_bytes, space.available_bytes, config.emergency_percentage);
        };
        measure();
        if (!full) continue;
        std::uint64_t held = 0;
        for (const CleaningCandidate& one : cleaning_candidates(context_.folders, stages)) {
            if (one.held) {
                ++held;
                continue;
            }
            remove(one, true, round);
            measure();
            if (!full) break;
        }
        if (full) round.held_in_the_way += held;
    }
}

void Cleaner::remove(const CleaningCandidate& one, bool emergency, Round& round) const {
    const auto done = context_.folders.remove_unless_held(one.folder);
    if (!done && done.error().code == Errc::busy) return;  // somebody was faster
    round.removed.push_back(Removed{one.folder, emergency, done ? std::string() : done.error().message});
}

std::vector<CleaningCandidate> cleaning_candidates(const TaskFolders& folders, const std::vector<Stage>& stages) {
    std::vector<CleaningCandidate> found;
    for (const Stage stage : stages) {
        const auto entries = folders.list(stage);
        if (!entries) continue;  // said by whoever needs the folder first
        for (const TaskEntry& entry : *entries) {
            const TaskMarkers markers = TaskFolders::markers_of(entry.path);
            const bool in_use = markers.lock || markers.processing;
            if (!in_use) found.push_back(CleaningCandidate{entry.path, entry.modified, markers.held});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const CleaningCandidate& a, const CleaningCandidate& b) { return a.modified < b.modified; });
    return found;
}

}  // namespace quicksilver
