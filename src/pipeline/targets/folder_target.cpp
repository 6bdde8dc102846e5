#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "builtin_targets.hpp"
#include "file_filter.hpp"
#include "settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace quicksilver {

namespace {

namespace fs = std::filesystem;

constexpr const char* complete_marker = ".complete";

/// A folder of this machine, or of a share. Each task becomes `FOLDER/<task id>` with all its files, a `.tags` file
/// beside each instance, and `.complete`; it appears there by one rename, whole and durable.
class FolderTarget final : public Target {
public:
    FolderTarget(std::string name, fs::path folder, FileFilter filter, dicom::TagReadOptions tag_options, FileOps& ops)
        : name_(std::move(name)),
          folder_(std::move(folder)),
          filter_(std::move(filter)),
          tag_options_(std::move(tag_options)),
          ops_(ops) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (auto usable = check_folder(); !usable) return usable.error();
        const fs::path destination = folder_ / delivery.task.id;
        std::error_code ignored;
        const auto files = files_to_hand_over(delivery.folder, filter_);
        if (!files) return files.error();
        // Delivered by an attempt that could not tell us any more.
        if (fs::exists(destination / complete_marker, ignored) && holds(destination, *files)) {
            if (auto synced = ops_.sync_folder(folder_); !synced) return synced.error();
            return confirm(delivery, progress);
        }

        const fs::path being_made = folder_ / (".new-" + delivery.task.id);
        if (auto removed = remove_folder_tree(ops_, being_made); !removed) return removed.error();
        auto filled = fill(*files, being_made, stop);
        if (!filled) {
            (void)remove_folder_tree(ops_, being_made);
            return filled.error();
        }
        // Of an older task of this name: what is to arrive now takes its place.
        if (auto removed = remove_folder_tree(ops_, destination); !removed) return removed.error();
        if (auto moved = move_folder(ops_, being_made, destination); !moved) return moved.error();
        return confirm(delivery, progress);
    }

    void test(TargetTest& test) override {
        const auto look = [this]() -> Result<std::string> {
            if (auto usable = check_folder(); !usable) return usable.error();
            return fmt::format("{} is there", folder_.string());
        };
        if (!test.step("folder", look, "make it, or mount the share") || !test.is_full()) return;
        test.step(
            "write", [this] { return try_to_write(); }, "give the user of this server the right to write there");
    }

private:
    /// Makes a file as a delivery does; the rights alone do not tell of a full or read-only share.
    Result<std::string> try_to_write() const {
        const fs::path probe = folder_ / (".quicksilver-test-" + make_task_id());
        auto file = ops_.create(probe);
        if (!file) return file.error();
        auto written = ops_.write(*file, "test\n");
        if (written) written = ops_.sync(*file);
        (void)ops_.close(*file);
        const auto removed = ops_.unlink(probe);
        if (!written) return written.error();
        if (!removed) return removed.error();
        return fmt::format("{} can be written to", folder_.string());
    }

    Result<void> check_folder() const {
        std::error_code error;
        if (fs::is_directory(folder_, error)) return {};
        return Error{Errc::not_found,
                     fmt::format("target {}: {} is not a folder; make it, or mount it", name_, folder_.string())};
    }

    /// Whether an earlier delivery has the same files of the same sizes.
    static bool holds(const fs::path& destination, const std::vector<HandedFile>& files) {
        return std::ranges::all_of(files, [&](const HandedFile& file) {
            std::error_code here, there;
            const auto arrived = fs::file_size(destination / file.name, there);
            return file.is_tags || (!there && arrived == fs::file_size(file.source, here) && !here);
        });
    }

    Result<void> fill(const std::vector<HandedFile>& files, const fs::path& to, const StopFlag& stop) const {
        if (auto made = ops_.make_folder(to); !made) return made;
        std::set<fs::path> inner;
        for (const HandedFile& file : files) {
            if (stop) return Error{Errc::cancelled, "stopped while writing to " + folder_.string()};
            const fs::path parent = fs::path(file.name).parent_path();
            if (auto made = make_inner(to, parent, inner); !made) return made;
            if (auto written = hand_over(file, to / file.name); !written) return written;
        }
        for (const fs::path& folder : inner) {
            if (auto synced = ops_.sync_folder(to / folder); !synced) return synced;
        }
        auto complete = ops_.create(to / complete_marker);
        if (!complete) return complete.error();
        if (auto closed = ops_.close(*complete); !closed) return closed;
        return ops_.sync_folder(to);
    }

    Result<void> make_inner(const fs::path& to, const fs::path& folder, std::set<fs::path>& made) const {
        if (folder.empty() || made.contains(folder)) return {};
        if (auto above = make_inner(to, folder.parent_path(), made); !above) return above;
        made.insert(folder);
        return ops_.make_folder(to / folder);
    }

    Result<void> hand_over(const HandedFile& file, const fs::path& to) const {
        if (!file.is_tags) return copy_file(ops_, file.source, to);
        const auto tags = tags_content(file, tag_options_);
        return tags ? write_new(to, *tags) : Result<void>();
    }

    /// Durable once the folder it lies in is.
    Result<void> write_new(const fs::path& path, const std::string& content) const {
        auto file = ops_.create(path);
        if (!file) return file.error();
        if (auto written = ops_.write(*file, content); !written) return written;
        if (auto synced = ops_.sync(*file); !synced) return synced;
        return ops_.close(*file);
    }

    Result<Receipt> confirm(const Delivery& delivery, const Progress& progress) const {
        Receipt receipt;
        std::error_code ignored;
        for (const fs::path& file : delivery.instances) {
            const std::string name = file.filename();
            ++receipt.instances;
            const auto size = fs::file_size(file, ignored);
            if (!ignored) receipt.bytes += size;
            if (!delivery.confirmed.contains(name)) progress(name, 0);
        }
        return receipt;
    }

    const std::string name_;
    const fs::path folder_;
    const FileFilter filter_;
    const dicom::TagReadOptions tag_options_;
    FileOps& ops_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_folder_target(const TargetConfig& target, const Config& config, FileOps& ops) {
    const TargetSettings settings(target);
    const std::string folder = settings.text("folder");
    if (folder.empty()) return Error{Errc::invalid, fmt::format("target {} has no `folder`", target.name)};
    dicom::TagReadOptions tag_options;
    tag_options.additional_tags = config.dicom.additional_tags;
    return std::unique_ptr<Target>(std::make_unique<FolderTarget>(
        target.name, folder, FileFilter(settings.text("file_filter")), std::move(tag_options), ops));
}

}  // namespace quicksilver
