#include "quicksilver/pipeline/series_holds.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/bookkeeper.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr const char* sender = "interface.main";
/// A folder may move on between looking and marking; it is found in its next place then.
constexpr int looks_max = 4;

struct FoundMarker {
    std::string task;
    Holds holds;
};

std::vector<FoundMarker> find_markers(const TaskFolders& folders) {
    std::vector<FoundMarker> found;
    for (const Stage stage : {Stage::incoming, Stage::studies, Stage::processing, Stage::outgoing, Stage::success,
                              Stage::error, Stage::discard}) {
        const auto entries = folders.list(stage);
        if (!entries) continue;  // said by whoever needs the folder first
        for (const TaskEntry& entry : *entries) {
            if (auto holds = TaskFolders::holds_of(entry.path)) found.push_back({entry.id, std::move(*holds)});
        }
    }
    return found;
}

}  // namespace

SeriesHolds::SeriesHolds(StageContext context) : context_(std::move(context)) {}

asio::awaitable<void> SeriesHolds::recover() {
    auto find = [this] { return find_markers(context_.folders); };
    const std::vector<FoundMarker> found = co_await run_blocking(context_.files, find);
    for (const FoundMarker& marker : found) {
        for (const auto& [series, hold] : marker.holds) {
            Held& held = held_.try_emplace(series, Held{hold, {}}).first->second;
            held.tasks.insert(marker.task);
        }
    }
    if (!held_.empty()) context_.log.info("series are held", kv("series", held_.size()), kv("folders", found.size()));
    publish();
}

asio::awaitable<Result<std::vector<std::string>>> SeriesHolds::hold(KnownSeries series, std::string user) {
    const std::string uid = series.series_uid;
    const Hold hold{std::move(user), rfc3339(context_.clock.wall_now())};
    // Known first, so that tasks that are being made of it right now are kept too.
    const bool was_held = held_.contains(uid);
    held_[uid].hold = hold;
    publish();
    auto work = [&] { return mark(series, hold); };
    Result<std::vector<std::string>> kept = co_await run_blocking(context_.files, work);
    if (!kept) {
        if (!was_held) held_.erase(uid);
        publish();
        co_return kept;
    }
    held_[uid].tasks.insert(kept->begin(), kept->end());
    context_.log.info("series held", kv("series", uid), kv("user", hold.user), kv("folders", kept->size()));
    for (const std::string& task : *kept) {
        context_.books.task_event(task, sender, TaskEventType::unknown, 0, "", "Held by " + hold.user);
    }
    co_return kept;
}

/// On the files pool.
Result<std::vector<std::string>> SeriesHolds::mark(const KnownSeries& series, const Hold& hold) const {
    const TaskFolders& folders = context_.folders;
    const Holds holds{{series.series_uid, hold}};
    std::set<std::string> kept;
    for (int look = 0; look < looks_max; ++look) {
        bool moved = false;
        for (const fs::path& folder : folders_of_series(folders, series)) {
            auto held = folders.hold(folder, holds);
            moved = moved || (!held && held.error().code == Errc::not_found);
            if (!held && held.error().code != Errc::not_found) return std::move(held).error();
            if (held) kept.insert(folder.filename());
        }
        if (!moved && !kept.empty()) return std::vector<std::string>(kept.begin(), kept.end());
    }
    if (is_being_routed(folders, series.series_uid)) {
        return Error{Errc::busy,
                     fmt::format("series {} is just being handed over to its tasks; try again", series.series_uid)};
    }
    return Error{Errc::not_found, fmt::format("no file of series {} is here any more", series.series_uid)};
}

asio::awaitable<Result<std::vector<std::string>>> SeriesHolds::release(KnownSeries series) {
    const std::string uid = series.series_uid;
    // Forgotten first, so that no task that is being made of it is kept after all others have been released.
    auto known = held_.extract(uid);
    if (known) series.tasks.insert(series.tasks.end(), known.mapped().tasks.begin(), known.mapped().tasks.end());
    publish();
    auto work = [&]() -> Result<std::vector<std::string>> {
        std::set<std::string> freed;
        for (int look = 0; look < looks_max; ++look) {
            bool moved = false;
            // The history may not know yet what was made of it a moment ago.
            KnownSeries all = series;
            for (FoundMarker& marker : find_markers(context_.folders)) {
                if (marker.holds.contains(uid)) all.tasks.push_back(std::move(marker.task));
            }
            for (const fs::path& folder : folders_of_series(context_.folders, all)) {
                auto released = context_.folders.release(folder, uid);
                moved = moved || (!released && released.error().code == Errc::not_found);
                if (!released && released.error().code != Errc::not_found) return std::move(released).error();
                if (released && *released) freed.insert(folder.filename());
            }
            if (!moved) break;
        }
        return std::vector<std::string>(freed.begin(), freed.end());
    };
    Result<std::vector<std::string>> freed = co_await run_blocking(context_.files, work);
    if (!freed) {
        if (known) held_.insert(std::move(known));
        publish();
        co_return freed;
    }
    if (freed->empty()) co_return Error{Errc::invalid, fmt::format("series {} is not held", uid)};
    context_.log.info("series released", kv("series", uid), kv("folders", freed->size()));
    for (const std::string& task : *freed) {
        context_.books.task_event(task, sender, TaskEventType::unknown, 0, "", "Released");
    }
    co_return freed;
}

asio::awaitable<void> SeriesHolds::keep(KnownSeries series) {
    const auto known = held_.find(series.series_uid);
    if (known == held_.end()) co_return;
    const Hold hold = known->second.hold;
    auto work = [&] { return mark(series, hold); };
    const Result<std::vector<std::string>> kept = co_await run_blocking(context_.files, work);
    const auto still = held_.find(series.series_uid);
    if (kept && still != held_.end()) still->second.tasks.insert(kept->begin(), kept->end());
    if (kept || kept.error().code == Errc::not_found) co_return;
    context_.log.error("tasks of a held series cannot be held", kv("series", series.series_uid),
                       kv("reason", kept.error().message));
}

std::shared_ptr<const Holds> SeriesHolds::all() const {
    const std::lock_guard lock(mutex_);
    return all_;
}

void SeriesHolds::publish() {
    auto all = std::make_shared<Holds>();
    for (const auto& [series, held] : held_) all->emplace(series, held.hold);
    const std::lock_guard lock(mutex_);
    all_ = std::move(all);
}

}  // namespace quicksilver
