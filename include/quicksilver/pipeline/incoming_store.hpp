#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/instance_store.hpp"
#include "quicksilver/store/file_ops.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace quicksilver {

/// The folder `incoming/`: where associations write instances, and from where a complete series is claimed.
///
/// An instance is written to `SERIES/SERIES#SOP.dcm.part`, renamed to `….dcm`, and then synced once. On file systems
/// that keep the order of metadata (ext4, XFS, btrfs) this one fsync makes the data, the name and the folder durable;
/// on others the folder is synced as well. A power cut before the fsync may leave a torn file under its final name:
/// nobody has been told that it arrived, and the checksum in its file meta information tells it from a whole one.
///
/// Any thread. A series cannot be claimed while an instance of it is being written.
class IncomingStore final : public dicom::InstanceStore {
public:
    /// Both outlive this. `folder` exists.
    IncomingStore(FileOps& ops, std::filesystem::path folder, DiskReserve reserve);

    Result<void> has_room() override;
    Result<std::unique_ptr<dicom::InstanceWriter>> begin(const dicom::InstanceIdentity& identity) override;

    /// Takes the series out of reception: `incoming/SERIES` becomes `incoming/.routing-TASK`. Instances that arrive
    /// from now on make a new `incoming/SERIES`. Errc::busy while an instance is being written, Errc::not_found when
    /// there is no such series.
    Result<std::filesystem::path> claim(const std::string& series_uid, const std::string& task_id);
    /// Whether an instance of this series is being written.
    bool is_receiving(const std::string& series_uid) const;
    void set_reserve(DiskReserve reserve);

    /// What a start found.
    struct Recovery {
        std::uint64_t unfinished = 0;  ///< `.part` files: not acknowledged, removed
        std::uint64_t torn = 0;        ///< not whole after a power cut, not acknowledged: moved to `incoming/error`
    };
    /// Cleans up after the last run. `is_whole` is asked for each file when the machine was restarted since.
    using WholeCheck = std::function<Result<bool>(const std::filesystem::path&)>;
    Result<Recovery> recover(const WholeCheck& is_whole);

private:
    class Writer;
    void writer_ended(const std::string& series_uid);

    FileOps& ops_;
    std::filesystem::path folder_;
    bool keeps_metadata_order_;
    mutable std::mutex mutex_;  // guards the four below
    std::map<std::string, unsigned> writers_;
    DiskReserve reserve_;
    std::uint64_t part_number_ = 0;
    std::chrono::steady_clock::time_point room_checked_{};
    Result<void> room_;
};

}  // namespace quicksilver
