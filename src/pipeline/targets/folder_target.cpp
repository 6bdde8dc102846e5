#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/sent_log.hpp"

#include "builtin_targets.hpp"

#include <fmt/format.h>

#include <fnmatch.h>
#include <unistd.h>

namespace quicksilver {

namespace {

namespace fs = std::filesystem;

constexpr const char* complete_marker = ".complete";

std::vector<std::string> split_globs(const std::string& list) {
    std::vector<std::string> globs;
    std::string glob;
    for (const char c : list + ",") {
        if (c != ',') {
            if (c != ' ' || !glob.empty()) glob += c;
            continue;
        }
        while (!glob.empty() && glob.back() == ' ') glob.pop_back();
        if (!glob.empty()) globs.push_back(std::move(glob));
        glob.clear();
    }
    return globs;
}

/// A folder of this machine, or of a share. Each task becomes `FOLDER/<task id>` with all its files, a `.tags` file
/// beside each instance, and `.complete`; it appears there by one rename, whole and durable.
class FolderTarget final : public Target {
public:
    FolderTarget(std::string name, fs::path folder, std::vector<std::string> excluded,
                 dicom::TagReadOptions tag_options, FileOps& ops)
        : name_(std::move(name)),
          folder_(std::move(folder)),
          excluded_(std::move(excluded)),
          tag_options_(std::move(tag_options)),
          ops_(ops) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (auto usable = check_folder(); !usable) return usable.error();
        const fs::path destination = folder_ / delivery.task.id;
        std::error_code ignored;
        // Delivered by an attempt that could not tell us any more.
        if (fs::exists(destination / complete_marker, ignored)) return confirm(delivery, progress);

        const fs::path being_made = folder_ / (".new-" + delivery.task.id);
        if (auto removed = remove_folder_tree(ops_, being_made); !removed) return removed.error();
        auto filled = fill(delivery, being_made, stop);
        if (!filled) {
            (void)remove_folder_tree(ops_, being_made);
            return filled.error();
        }
        if (auto moved = move_folder(ops_, being_made, destination); !moved) return moved.error();
        return confirm(delivery, progress);
    }

    Result<std::string> test(const StopFlag&) override {
        if (auto usable = check_folder(); !usable) return usable.error();
        if (::access(folder_.c_str(), W_OK | X_OK) != 0) {
            return Error{Errc::io, fmt::format("target {}: no right to write to {}", name_, folder_.string())};
        }
        return fmt::format("{} exists and can be written", folder_.string());
    }

private:
    Result<void> check_folder() const {
        std::error_code error;
        if (fs::is_directory(folder_, error)) return {};
        return Error{Errc::not_found,
                     fmt::format("target {}: {} is not a folder; make it, or mount it", name_, folder_.string())};
    }

    Result<void> fill(const Delivery& delivery, const fs::path& to, const StopFlag& stop) const {
        if (auto made = ops_.make_folder(to); !made) return made;
        std::error_code error;
        for (fs::directory_iterator entry(delivery.folder, error), end; !error && entry != end;
             entry.increment(error)) {
            const std::string file = entry->path().filename();
            if (!entry->is_regular_file() || is_internal(file)) continue;
            if (stop) return Error{Errc::cancelled, "stopped while writing to " + folder_.string()};
            if (auto copied = copy_with_tags(entry->path(), to); !copied) return copied;
        }
        if (error) {
            return Error{Errc::io, fmt::format("cannot list {}: {}", delivery.folder.string(), error.message())};
        }
        auto complete = ops_.create(to / complete_marker);
        if (!complete) return complete.error();
        if (auto closed = ops_.close(*complete); !closed) return closed;
        return ops_.sync_folder(to);
    }

    Result<void> copy_with_tags(const fs::path& from, const fs::path& to) const {
        const std::string file = from.filename();
        if (!is_excluded(file)) {
            if (auto copied = copy_file(ops_, from, to / file); !copied) return copied;
        }
        if (from.extension() != ".dcm") return {};
        const std::string tags_name = from.stem().string() + ".tags";
        std::error_code ignored;
        if (is_excluded(tags_name) || fs::exists(from.parent_path() / tags_name, ignored)) return {};
        // A result that is no DICOM file whatever its name says goes without tags.
        const auto tags = dicom::read_tags(from, tag_options_);
        return tags ? write_new(to / tags_name, to_tags_file(*tags)) : Result<void>();
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

    bool is_excluded(const std::string& file) const {
        for (const std::string& glob : excluded_) {
            if (fnmatch(glob.c_str(), file.c_str(), 0) == 0) return true;
        }
        return false;
    }
    /// Ours and mercure's markers, which are of no use to the receiver.
    static bool is_internal(const std::string& file) {
        return file == SentLog::file_name || file.front() == '.' || file == "sent.txt";
    }

    const std::string name_;
    const fs::path folder_;
    const std::vector<std::string> excluded_;  // globs, mercure's `file_filter`
    const dicom::TagReadOptions tag_options_;
    FileOps& ops_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_folder_target(const TargetConfig& target, const Config& config, FileOps& ops) {
    const auto text = [&target](const char* field) {
        const auto found = target.settings.find(field);
        return found != target.settings.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    const std::string folder = text("folder");
    if (folder.empty()) return Error{Errc::invalid, fmt::format("target {} has no `folder`", target.name)};
    dicom::TagReadOptions tag_options;
    tag_options.additional_tags = config.dicom.additional_tags;
    return std::unique_ptr<Target>(std::make_unique<FolderTarget>(target.name, folder, split_globs(text("file_filter")),
                                                                  std::move(tag_options), ops));
}

}  // namespace quicksilver
