#include "file_step.hpp"

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/parallel.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr auto status_interval = std::chrono::milliseconds(500);

void say(const RunProgress& progress, const std::string& line) {
    if (progress.output) progress.output(fmt::format("{} {}\n", rfc3339(std::chrono::system_clock::now()), line));
}

/// A name that stays in its folder, whatever stands in the data set.
std::string safe(std::string uid) {
    std::ranges::replace_if(
        uid, [](char c) { return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20; }, '_');
    return uid;
}

struct Uids {
    std::string series, instance;
    bool operator==(const Uids&) const = default;
};

Uids uids_of(const dicom::EditableFile& file) {
    return {file.element("SeriesInstanceUID").value_or(""), file.element("SOPInstanceUID").value_or("")};
}

class Pass {
public:
    Pass(const FileStep& step, const ModuleRun& run, const RunControl& control, const RunProgress& progress)
        : step_(step), run_(run), control_(control), progress_(progress), ops_(make_file_ops()) {}

    Result<void> run() {
        if (auto found = look_into(run_.in, run_.out); !found) return found;
        return run_parallel(files_.size(), computing_threads(), [this](std::size_t at) {
            if (control_.flag()) return Result<void>(Error{Errc::cancelled, "stopped"});
            return take(files_[at]);
        });
    }

    std::uint64_t instances() const { return instances_; }
    std::uint64_t left_out() const { return left_out_; }

private:
    struct File {
        fs::path path;
        fs::path out;  // the folder that it goes to
    };

    Result<void> look_into(const fs::path& in, const fs::path& out) {
        std::vector<fs::directory_entry> entries;
        std::error_code error;
        for (fs::directory_iterator entry(in, error), end; !error && entry != end; entry.increment(error)) {
            entries.push_back(*entry);
        }
        if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", in.string(), error.message())};
        std::ranges::sort(entries);
        for (const fs::directory_entry& entry : entries) {
            std::error_code ignored;
            const auto type = entry.symlink_status(ignored).type();
            const std::string name = entry.path().filename();
            if (type == fs::file_type::directory) {
                const fs::path inner = out / step_.folder_name(name);
                if (auto made = ops_->make_folder(inner); !made) return made;
                if (auto found = look_into(entry.path(), inner); !found) return found;
            }
            if (type != fs::file_type::regular) continue;
            // Those are of the first module alone, this one is made for each step.
            if (entry.path().extension() == ".tags" || name == TaskFile::file_name) continue;
            const bool is_instance = entry.path().extension() == ".dcm";
            if (is_instance || step_.passes_other_files()) {
                files_.push_back(File{entry.path(), out});
            } else {
                ++left_out_;
            }
        }
        return {};
    }

    Result<void> take(const File& file) {
        if (file.path.extension() == ".dcm") return instance(file.path, file.out);
        return link_or_copy_file(*ops_, file.path, file.out / file.path.filename());
    }

    Result<void> instance(const fs::path& path, const fs::path& out) {
        auto file = dicom::EditableFile::open(path);
        if (!file) return file.error();
        const Uids before = uids_of(*file);
        if (auto applied = step_.apply(*file); !applied) return applied;
        const Uids after = uids_of(*file);
        std::string name = path.filename();
        if (step_.renames_all() || before != after) name = safe(after.series + '#' + after.instance) + ".dcm";
        auto saved = file->save(out / name);
        if (!saved && saved.error().code == Errc::already_exists) {
            return Error{Errc::invalid, "two instances would have the same SOPInstanceUID"};
        }
        if (saved && run_.is_last) begin_to_sync(out / name);
        report();
        return saved;
    }

    void report() {
        const std::lock_guard lock(mutex_);
        ++instances_;
        const auto now = std::chrono::steady_clock::now();
        if (!progress_.status || now - reported_ < status_interval) return;
        reported_ = now;
        progress_.status(fmt::format("{} of {} instances done", instances_, files_.size()));
    }

    const FileStep& step_;
    const ModuleRun& run_;
    const RunControl& control_;
    const RunProgress& progress_;
    const std::unique_ptr<FileOps> ops_;
    std::vector<File> files_;
    std::uint64_t left_out_ = 0;
    std::mutex mutex_;  // guards what follows, and the calls of progress_
    std::uint64_t instances_ = 0;
    std::chrono::steady_clock::time_point reported_{};
};

}  // namespace

Result<void> FileStepRunner::prepare(const ModuleRun& run, const RunControl&, const RunProgress&) {
    auto step = make_(run);
    return step ? Result<void>() : step.error();
}

Result<ModuleEnd> FileStepRunner::run(const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
    auto step = make_(run);
    if (!step) return step.error();
    Pass pass(**step, run, control, progress);
    if (auto done = pass.run(); !done) {
        if (!control.flag()) say(progress, done.error().message);
        return Error{done.error().code, fmt::format("module {}: {}", run.module, done.error().message)};
    }
    std::string left_out;
    if (pass.left_out() > 0) left_out = fmt::format("; {} files that are no images go no further", pass.left_out());
    say(progress, fmt::format("{} instances written{}", pass.instances(), left_out));
    ModuleEnd end;
    end.is_checked = true;
    return end;
}

Error settings_error(const std::string& module, const std::vector<SettingProblem>& problems) {
    std::string all;
    for (const SettingProblem& problem : problems) {
        all += fmt::format("{}{} {}", all.empty() ? "" : "; ", problem.path.empty() ? "settings" : problem.path,
                           problem.message);
    }
    return Error{Errc::invalid, fmt::format("the settings of module {} are wrong: {}", module, all)};
}

}  // namespace quicksilver
