#include "quicksilver/pipeline/processing_folder.hpp"

#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/sent_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <fcntl.h>
#include <linux/fs.h>
#include <mutex>
#include <set>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace quicksilver {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr const char* result_file = "result.json";
constexpr std::string_view publishing_prefix = ".out-";
constexpr std::size_t result_max = 8UL << 20;
constexpr unsigned result_depth_max = 256;
constexpr std::uint64_t free_min = 1UL << 20;  // bytes; less than this after a run means that the disk was full

Result<std::vector<fs::path>> entries_of(const fs::path& folder) {
    std::vector<fs::path> entries;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        entries.push_back(entry->path());
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", folder.string(), error.message())};
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// A file of the series, or one that came with it; not a marker of ours or mercure's.
bool belongs_to_task(const fs::path& file) {
    std::error_code ignored;
    const std::string name = file.filename();
    return name.front() != '.' && name != SentLog::file_name && fs::is_regular_file(fs::symlink_status(file, ignored));
}

/// A copy that shares its blocks with the original until one of both is changed. Free where the file system can do it.
bool clone_file(const fs::path& from, const fs::path& to) {
    const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
    if (source < 0) return false;
    const int copy = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    const bool cloned = copy >= 0 && ::ioctl(copy, FICLONE, source) == 0;
    ::close(source);
    if (copy >= 0) ::close(copy);
    if (copy >= 0 && !cloned) ::unlink(to.c_str());
    return cloned;
}

Result<void> make_clean_folder(FileOps& ops, const fs::path& folder) {
    if (auto removed = remove_folder_tree(ops, folder); !removed) return removed;
    return ops.make_folder(folder);
}

Result<void> sync_file(FileOps& ops, const fs::path& path) {
    // Some are links to files that others share, and that nobody may write to.
    auto file = ops.open_to_sync(path);
    return file ? ops.sync(*file) : Result<void>(file.error());
}

/// Several at the same time, so that one commit of the file system's journal serves many: measured, 500 files of 525 kB
/// took 0.5 s instead of 3.4 s.
Result<void> sync_files(FileOps& ops, const std::vector<fs::path>& files) {
    constexpr std::size_t helpers_max = 7;
    constexpr std::size_t files_per_helper = 8;
    std::atomic<std::size_t> next{0};
    std::mutex mutex;  // guards the outcome
    Result<void> outcome;
    const auto work = [&] {
        for (std::size_t at = next++; at < files.size(); at = next++) {
            auto synced = sync_file(ops, files[at]);
            if (synced) continue;
            next = files.size();
            const std::lock_guard lock(mutex);
            if (outcome) outcome = std::move(synced);
        }
    };
    std::vector<std::jthread> helpers;
    for (std::size_t count = std::min(helpers_max, files.size() / files_per_helper); count > 0; --count) {
        helpers.emplace_back(work);
    }
    work();
    helpers.clear();  // waits for them
    return outcome;
}

/// Everything below a folder, durably.
Result<void> sync_tree(FileOps& ops, const fs::path& folder) {
    const auto entries = entries_of(folder);
    if (!entries) return entries.error();
    std::vector<fs::path> files;
    for (const fs::path& entry : *entries) {
        std::error_code ignored;
        const auto status = fs::symlink_status(entry, ignored);
        if (fs::is_regular_file(status)) files.push_back(entry);
        if (!fs::is_directory(status)) continue;
        if (auto synced = sync_tree(ops, entry); !synced) return synced;
    }
    if (auto synced = sync_files(ops, files); !synced) return synced;
    return ops.sync_folder(folder);
}

Result<void> rename_durably(FileOps& ops, const fs::path& from, const fs::path& to) {
    const auto renamed = ops.rename(from, to);
    if (!renamed) return renamed.error();
    if (*renamed == Placed::needs_copy) {
        return Error{Errc::io, fmt::format("{} lies on another file system than its folder", from.string())};
    }
    if (auto synced = ops.sync_folder(to.parent_path()); !synced) return synced;
    return from.parent_path() == to.parent_path() ? Result<void>() : ops.sync_folder(from.parent_path());
}

Stage stage_of(std::string_view name) {
    return name == to_string(Stage::outgoing) ? Stage::outgoing : Stage::success;
}

}  // namespace

std::string to_json_text(const ProcessingState& state) {
    Json json;
    json["phase"] = state.phase == ProcessingState::Phase::running ? "running" : "publishing";
    json["step"] = state.step;
    json["attempt"] = state.attempt;
    json["outputs"] = state.outputs;
    json["publish_to"] = to_string(state.publish_to);
    return json.dump(1, ' ', true, Json::error_handler_t::replace);
}

Result<ProcessingState> parse_processing_state(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    ProcessingState state;
    try {
        state.phase =
            json.at("phase") == "publishing" ? ProcessingState::Phase::publishing : ProcessingState::Phase::running;
        state.step = json.at("step").get<unsigned>();
        state.attempt = json.at("attempt").get<std::string>();
        state.outputs = json.at("outputs");
        state.publish_to = stage_of(json.at("publish_to").get<std::string>());
    } catch (const Json::exception&) {
        return Error{Errc::invalid, fmt::format("{} is damaged", ProcessingFolder::state_file)};
    }
    return state;
}

ProcessingFolder::ProcessingFolder(const TaskFolders& folders, std::string id)
    : folders_(folders), id_(std::move(id)), folder_(folders.path(Stage::processing, id_)) {}

Result<std::optional<ProcessingState>> ProcessingFolder::state() const {
    const auto text = read_text_file(folder_ / state_file);
    if (!text && text.error().code == Errc::not_found) return std::optional<ProcessingState>();
    if (!text) return text.error();
    auto state = parse_processing_state(*text);
    // It is written whole; one that is damaged all the same costs only that the task is begun anew.
    if (!state) return std::optional<ProcessingState>();
    return std::optional<ProcessingState>(std::move(*state));
}

Result<void> ProcessingFolder::write_state(const ProcessingState& state) const {
    return write_durably(folders_.ops(), folder_ / state_file, to_json_text(state));
}

Result<ProcessingState> ProcessingFolder::begin(const std::string& attempt, const Inputs& inputs) const {
    FileOps& ops = folders_.ops();
    if (auto kept = keep_originals(); !kept) return kept.error();
    if (auto made = make_clean_folder(ops, out()); !made) return made.error();
    if (auto made = make_clean_folder(ops, in()); !made) return made.error();
    if (auto filled = fill_in(inputs); !filled) return filled.error();
    ProcessingState state;
    state.attempt = attempt;
    if (auto written = write_state(state); !written) return written.error();
    return state;
}

/// After this, `as_received` has all files and the folder itself only task.json, as mercure's has while it is working.
Result<void> ProcessingFolder::keep_originals() const {
    FileOps& ops = folders_.ops();
    const fs::path kept = folder_ / as_received;
    const auto entries = entries_of(folder_);
    if (!entries) return entries.error();
    if (!path_exists(kept)) {
        const fs::path making = folder_ / ".as_received";
        if (auto made = make_clean_folder(ops, making); !made) return made;
        for (const fs::path& file : *entries) {
            if (!belongs_to_task(file)) continue;
            if (auto linked = link_or_copy_file(ops, file, making / file.filename()); !linked) return linked;
        }
        if (auto synced = ops.sync_folder(making); !synced) return synced;
        if (auto renamed = rename_durably(ops, making, kept); !renamed) return renamed;
    }
    for (const fs::path& file : *entries) {
        if (!belongs_to_task(file) || file.filename() == TaskFile::file_name) continue;
        if (!path_exists(kept / file.filename())) continue;
        if (auto removed = ops.unlink(file); !removed) return removed;
    }
    return {};
}

Result<void> ProcessingFolder::fill_in(const Inputs& inputs) const {
    const auto originals = entries_of(folder_ / as_received);
    if (!originals) return originals.error();
    dicom::TagReadOptions tag_options;
    tag_options.additional_tags = inputs.additional_tags;
    bool can_clone = true;
    bool any = false;
    for (const fs::path& file : *originals) {
        const std::string name = file.filename();
        if (name == TaskFile::file_name) continue;
        if (inputs.link) {
            if (auto linked = link_or_copy_file(folders_.ops(), file, in() / name); !linked) return linked;
        } else {
            can_clone = can_clone && clone_file(file, in() / name);
            std::error_code error;
            // Not durable: after a power cut the task is begun anew.
            if (!can_clone && !fs::copy_file(file, in() / name, error)) {
                return Error{error == std::errc::no_space_on_device ? Errc::no_space : Errc::io,
                             fmt::format("cannot copy {}: {}", file.string(), error.message())};
            }
        }
        if (file.extension() != ".dcm") continue;
        any = true;
        const std::string tags_name = file.stem().string() + ".tags";
        if (path_exists(file.parent_path() / tags_name)) continue;
        const auto tags = dicom::read_tags(file, tag_options);
        if (!tags) return tags.error();
        auto tags_file = folders_.ops().create(in() / tags_name);
        if (!tags_file) return tags_file.error();
        if (auto written = folders_.ops().write(*tags_file, to_tags_file(*tags)); !written) return written;
    }
    if (!any) return Error{Errc::not_found, "the task has no *.dcm, so there is nothing to process"};
    return {};
}

Result<void> ProcessingFolder::write_step_task(const TaskFile& task, unsigned step) const {
    TaskFile single = task;
    single.process = {task.process.at(step)};
    single.process_is_list = false;
    return write_task_file(folders_.ops(), in(), single);
}

Result<Json> ProcessingFolder::read_result() const {
    const auto text = read_text_file(out() / result_file, result_max);
    if (!text && text.error().code == Errc::not_found) return Json();
    if (!text)
        return Error{Errc::invalid, fmt::format("the module's result.json cannot be taken: {}; large results go "
                                                "into files of their own",
                                                text.error().message)};
    if (json_depth(*text) > result_depth_max) {
        return Error{Errc::invalid,
                     fmt::format("the module's result.json is nested more than {} deep", result_depth_max)};
    }
    Json result = Json::parse(*text, nullptr, false);
    if (result.is_discarded()) return Error{Errc::invalid, "the module's result.json is no JSON"};
    return result;
}

Result<OutputSummary> ProcessingFolder::check_outputs() const {
    struct statvfs space {};
    if (::statvfs(out().c_str(), &space) == 0 && space.f_bavail * space.f_frsize < free_min) {
        return Error{Errc::no_space,
                     "the disk was full when the module had ended, so its results may be torn: make "
                     "space and run the task again"};
    }
    OutputSummary summary;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(out(), error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename();
        if (!entry->is_regular_file() || name == TaskFile::file_name) continue;
        ++summary.files;
        if (entry->path().extension() != ".dcm") continue;
        if (entry.depth() == 0) ++summary.instances;
        if (const auto tags = dicom::read_tags(entry->path(), {}); !tags) {
            return Error{Errc::invalid,
                         fmt::format("the module wrote {}, which is no DICOM file: {}", name, tags.error().message)};
        }
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", out().string(), error.message())};
    return summary;
}

Result<void> ProcessingFolder::next_step(ProcessingState& state) const {
    FileOps& ops = folders_.ops();
    if (auto removed = ops.unlink(out() / result_file); !removed) return removed;
    if (auto removed = remove_folder_tree(ops, in()); !removed) return removed;
    if (auto renamed = rename_durably(ops, out(), in()); !renamed) return renamed;
    if (auto made = ops.make_folder(out()); !made) return made;
    ++state.step;
    return write_state(state);
}

Result<void> ProcessingFolder::finish_outputs(const TaskFile& task, const ProcessingState& state, bool retain) const {
    FileOps& ops = folders_.ops();
    if (retain) {
        if (auto retained = retain_originals(); !retained) return retained;
    }
    if (task.process.size() > 1) {
        const std::string results = state.outputs.dump(4, ' ', true, Json::error_handler_t::replace);
        if (auto written = write_durably(ops, out() / result_file, results); !written) return written;
    }
    if (auto written = write_task_file(ops, out(), task); !written) return written;
    return sync_tree(ops, out());
}

/// The original counts where the module wrote a file of the same name, as in mercure.
Result<void> ProcessingFolder::retain_originals() const {
    const auto originals = TaskFolders::instances(folder_ / as_received);
    if (!originals) return originals.error();
    for (const fs::path& file : *originals) {
        const fs::path to = out() / file.filename();
        if (auto removed = folders_.ops().unlink(to); !removed) return removed;
        if (auto linked = link_or_copy_file(folders_.ops(), file, to); !linked) return linked;
    }
    return {};
}

Result<fs::path> ProcessingFolder::publish(ProcessingState state) const {
    FileOps& ops = folders_.ops();
    if (state.phase != ProcessingState::Phase::publishing) {
        state.phase = ProcessingState::Phase::publishing;
        if (auto written = write_state(state); !written) return written.error();
    }
    // Beside the task first: the move between file systems leaves its own traces there, which the start knows.
    const fs::path leaving = folder_.parent_path() / (std::string(publishing_prefix) + id_);
    if (!path_exists(leaving) && path_exists(out())) {
        if (auto renamed = rename_durably(ops, out(), leaving); !renamed) return renamed.error();
    }
    fs::path published;
    if (path_exists(leaving)) {
        auto moved = folders_.move(leaving, state.publish_to, id_);
        if (!moved) return moved.error();
        published = std::move(*moved);
    }
    if (auto removed = folders_.remove(folder_); !removed) return removed.error();
    return published;
}

Result<fs::path> ProcessingFolder::fail(std::string_view reason) const {
    FileOps& ops = folders_.ops();
    // mercure's scripts look for the reason there.
    if (auto task = read_task_file(in())) {
        task->info.fail_stage = FailStage::processing;
        task->info.fail_reason = std::string(reason);
        (void)write_task_file(ops, in(), *task);
    }
    (void)ops.unlink(folder_ / state_file);
    return folders_.park(folder_, FailStage::processing, reason);
}

}  // namespace quicksilver
