#include "file_step.hpp"

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_file.hpp"

#include <fmt/format.h>

#include <algorithm>

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
    Pass(FileStep& step, const ModuleRun& run, const RunControl& control, const RunProgress& progress)
        : step_(step), run_(run), control_(control), progress_(progress), ops_(make_file_ops()) {}

    Result<void> folder(const fs::path& in, const fs::path& out) {
        std::vector<fs::path> entries;
        std::error_code error;
        for (fs::directory_iterator entry(in, error), end; !error && entry != end; entry.increment(error)) {
            entries.push_back(entry->path());
        }
        if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", in.string(), error.message())};
        std::ranges::sort(entries);
        for (const fs::path& path : entries) {
            if (control_.flag()) return Error{Errc::cancelled, "stopped"};
            if (auto done = one(path, out); !done) return done;
        }
        return {};
    }

    std::uint64_t instances = 0;
    std::uint64_t left_out = 0;

private:
    Result<void> one(const fs::path& path, const fs::path& out) {
        std::error_code ignored;
        const auto status = fs::symlink_status(path, ignored);
        const std::string name = path.filename();
        if (fs::is_directory(status)) {
            const fs::path inner = out / step_.folder_name(name);
            if (auto made = ops_->make_folder(inner); !made) return made;
            return folder(path, inner);
        }
        if (!fs::is_regular_file(status)) return {};
        if (path.extension() == ".dcm") return instance(path, out);
        // These are made anew from the instances, and for each step.
        if (path.extension() == ".tags" || name == TaskFile::file_name) return {};
        if (step_.passes_other_files()) return link_or_copy_file(*ops_, path, out / name);
        ++left_out;
        return {};
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
        ++instances;
        report();
        return saved;
    }

    void report() {
        const auto now = std::chrono::steady_clock::now();
        if (!progress_.status || now - reported_ < status_interval) return;
        reported_ = now;
        progress_.status(fmt::format("{} instances done", instances));
    }

    FileStep& step_;
    const ModuleRun& run_;
    const RunControl& control_;
    const RunProgress& progress_;
    const std::unique_ptr<FileOps> ops_;
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
    if (auto done = pass.folder(run.in, run.out); !done) {
        if (!control.flag()) say(progress, done.error().message);
        return Error{done.error().code, fmt::format("module {}: {}", run.module, done.error().message)};
    }
    std::string left_out;
    if (pass.left_out > 0) left_out = fmt::format("; {} files that are no images go no further", pass.left_out);
    say(progress, fmt::format("{} instances written{}", pass.instances, left_out));
    return ModuleEnd{};
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
