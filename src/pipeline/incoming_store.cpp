#include "quicksilver/pipeline/incoming_store.hpp"

#include "quicksilver/core/dicom_uid.hpp"

#include <fmt/format.h>

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

namespace quicksilver {

namespace {

constexpr std::string_view part_suffix = ".part";
constexpr auto room_check_interval = std::chrono::milliseconds(200);
constexpr long xfs_magic = 0x58465342;  // not in linux/magic.h

/// Whether one fsync of a file makes the rename before it durable too: "strictly ordered metadata".
bool keeps_metadata_order(const std::filesystem::path& folder) {
    struct statfs status {};
    if (::statfs(folder.c_str(), &status) != 0) return false;
    const auto type = status.f_type;
    return type == EXT4_SUPER_MAGIC || type == xfs_magic || type == BTRFS_SUPER_MAGIC;
}

Result<void> check_room(const std::filesystem::path& folder, const DiskReserve& reserve) {
    struct statvfs status {};
    if (::statvfs(folder.c_str(), &status) != 0) return {};  // writing will tell
    const std::uint64_t free_bytes = std::uint64_t{status.f_bavail} * status.f_frsize;
    const std::uint64_t total_bytes = std::uint64_t{status.f_blocks} * status.f_frsize;
    if (free_bytes >= reserve.bytes_of(total_bytes)) return {};
    return Error{Errc::no_space, fmt::format("only {} MB free, disk_free_min asks for {} MB", free_bytes >> 20,
                                             reserve.bytes_of(total_bytes) >> 20)};
}

}  // namespace

class IncomingStore::Writer final : public dicom::InstanceWriter {
public:
    Writer(IncomingStore& store, std::string series_uid, std::filesystem::path part, std::filesystem::path final_path)
        : store_(store), series_uid_(std::move(series_uid)), part_(std::move(part)), final_(std::move(final_path)) {}

    ~Writer() override {
        file_ = OpenFile();
        if (!committed_ && !part_.empty()) (void)store_.ops_.unlink(part_);
        // Empty unless other instances of the series are there: nothing remains of one that failed.
        if (!committed_) (void)store_.ops_.remove_folder(final_.parent_path());
        store_.writer_ended(series_uid_);
    }

    Result<void> open() {
        auto file = store_.ops_.create(part_);
        if (!file) return file.error();
        file_ = std::move(*file);
        return {};
    }

    Result<void> write(std::span<const std::byte> bytes) override {
        return store_.ops_.write(file_, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }

    Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return store_.ops_.write_at(file_, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()),
                                    offset);
    }

    Result<bool> commit() override {
        auto placed = place_first();
        if (!placed) return placed.error();
        const bool repeated = !*placed;
        if (repeated) {
            if (auto replaced = replace_earlier(); !replaced) return replaced.error();
        }
        committed_ = true;
        return repeated;
    }

private:
    /// The usual case: no instance of that name is there. False, with nothing done, when there is.
    Result<bool> place_first() {
        {
            // So that two copies of one instance that arrive at once do not both find the name free.
            const std::lock_guard lock(store_.mutex_);
            std::error_code ignored;
            if (std::filesystem::exists(final_, ignored)) return false;
            if (auto renamed = rename(); !renamed) return renamed.error();
        }
        part_ = final_;  // if the sync fails, its content may be lost, and it must not be taken for received
        if (auto synced = store_.ops_.sync(file_); !synced) return synced.error();
        if (!store_.keeps_metadata_order_) {
            if (auto synced = store_.ops_.sync_folder(final_.parent_path()); !synced) return synced.error();
        }
        return true;
    }

    /// The earlier copy was acknowledged, so nothing may take its place that a power cut could still tear.
    Result<void> replace_earlier() {
        if (auto synced = store_.ops_.sync(file_); !synced) return synced;
        if (auto renamed = rename(); !renamed) return renamed;
        part_.clear();
        return store_.ops_.sync_folder(final_.parent_path());
    }

    Result<void> rename() {
        const auto renamed = store_.ops_.rename(part_, final_);
        if (!renamed) return renamed.error();
        if (*renamed != Placed::done) return Error{Errc::io, "cannot rename " + part_.string()};
        return {};
    }

    IncomingStore& store_;
    const std::string series_uid_;
    std::filesystem::path part_;  // where the file is now
    const std::filesystem::path final_;
    OpenFile file_;
    bool committed_ = false;
};

IncomingStore::IncomingStore(FileOps& ops, std::filesystem::path folder, DiskReserve reserve)
    : ops_(ops), folder_(std::move(folder)), keeps_metadata_order_(keeps_metadata_order(folder_)), reserve_(reserve) {}

Result<void> IncomingStore::has_room() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - room_checked_ >= room_check_interval) {
        room_ = check_room(folder_, reserve_);
        room_checked_ = now;
    }
    return room_;
}

void IncomingStore::set_reserve(DiskReserve reserve) {
    const std::lock_guard lock(mutex_);
    reserve_ = reserve;
    room_checked_ = {};
}

Result<std::unique_ptr<dicom::InstanceWriter>> IncomingStore::begin(const dicom::InstanceIdentity& identity) {
    const std::string& series = identity.series_instance_uid;
    const std::filesystem::path folder = folder_ / series;
    const std::string name = fmt::format("{}#{}.dcm", series, identity.sop_instance_uid);
    std::unique_ptr<Writer> writer;
    {
        const std::lock_guard lock(mutex_);
        ++writers_[series];
        // Numbered, because the same instance may arrive on two associations at once.
        auto part = folder / fmt::format("{}.{}{}", name, ++part_number_, part_suffix);
        writer = std::make_unique<Writer>(*this, series, std::move(part), folder / name);
    }
    auto opened = writer->open();
    // A writer of the same series that fails removes the folder if it is empty, perhaps just now.
    for (int attempt = 0; attempt < 5 && !opened && opened.error().code == Errc::not_found; ++attempt) {
        auto made = ops_.make_folder(folder);
        if (!made && made.error().code != Errc::already_exists) return made.error();
        if (!keeps_metadata_order_) {
            if (auto synced = ops_.sync_folder(folder_); !synced) return synced.error();
        }
        opened = writer->open();
    }
    if (!opened) return opened.error();
    return std::unique_ptr<dicom::InstanceWriter>(std::move(writer));
}

void IncomingStore::writer_ended(const std::string& series_uid) {
    const std::lock_guard lock(mutex_);
    const auto found = writers_.find(series_uid);
    if (found != writers_.end() && --found->second == 0) writers_.erase(found);
}

bool IncomingStore::is_receiving(const std::string& series_uid) const {
    const std::lock_guard lock(mutex_);
    return writers_.contains(series_uid);
}

Result<std::filesystem::path> IncomingStore::claim(const std::string& series_uid, const std::string& task_id) {
    if (!is_file_safe_uid(series_uid)) return Error{Errc::invalid, "not a series folder: " + series_uid};
    const std::filesystem::path claimed = folder_ / (".routing-" + task_id);
    {
        const std::lock_guard lock(mutex_);
        if (writers_.contains(series_uid)) return Error{Errc::busy, "an instance of the series is arriving"};
        auto renamed = ops_.rename(folder_ / series_uid, claimed);
        if (!renamed) return renamed.error();
    }
    if (auto synced = ops_.sync_folder(folder_); !synced) return synced.error();
    return claimed;
}

Result<IncomingStore::Recovery> IncomingStore::recover(const WholeCheck& is_whole) {
    namespace fs = std::filesystem;
    Recovery recovery;
    std::error_code error;
    for (fs::directory_iterator series(folder_, error), end; !error && series != end; series.increment(error)) {
        const std::string name = series->path().filename();
        if (!series->is_directory() || name == "error" || name.front() == '.') continue;
        std::vector<fs::path> files;
        for (const auto& entry : fs::directory_iterator(series->path())) files.push_back(entry.path());
        for (const fs::path& file : files) {
            if (file.extension() == part_suffix) {
                if (auto removed = ops_.unlink(file); !removed) return removed.error();
                ++recovery.unfinished;
            } else if (is_whole && file.extension() == ".dcm") {
                const auto whole = is_whole(file);
                if (!whole) return whole.error();
                if (*whole) continue;
                auto made = ops_.make_folder(folder_ / "error");
                if (!made && made.error().code != Errc::already_exists) return made.error();
                auto moved = ops_.rename(file, folder_ / "error" / file.filename());
                if (!moved) return moved.error();
                ++recovery.torn;
            }
        }
        (void)ops_.remove_folder(series->path());  // if nothing is left in it
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", folder_.string(), error.message())};
    return recovery;
}

}  // namespace quicksilver
