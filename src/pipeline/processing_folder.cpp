#include "quicksilver/pipeline/processing_folder.hpp"

#include "quicksilver/core/json_depth.hpp"
#include "quicksilver/core/parallel.hpp"
#include "quicksilver/dicom/editable_file.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/sent_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <set>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
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

Result<std::vector<fs::directory_entry>> entries_of(const fs::path& folder) {
    std::vector<fs::directory_entry> entries;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        entries.push_back(*entry);
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", folder.string(), error.message())};
    std::sort(entries.begin(), entries.end());
    return entries;
}

/// A file of the series, or one that came with it; not a marker of ours or mercure's.
bool belongs_to_task(const fs::directory_entry& file) {
    std::error_code ignored;
    const std::string name = file.path().filename();
    return name.front() != '.' && name != SentLog::file_name &&
           file.symlink_status(ignored).type() == fs::file_type::regular;
}

/// Copies files as inputs of a module, which may do with them what it likes. Not durable: after a power cut the task is
/// begun anew. Several threads at once.
class InputCopies {
public:
    Result<void> copy(const fs::path& from, const fs::path& to) {
        const OpenFile source(::open(from.c_str(), O_RDONLY | O_CLOEXEC), from);
        if (!source.is_open()) return file_error("read", from, errno);
        OpenFile target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), to);
        if (!target.is_open()) return file_error("create", to, errno);
        // Whatever our umask says; the module may run as another user.
        if (::fchmod(target.descriptor(), 0666) != 0) return file_error("set the rights of", to, errno);
        // Such a copy shares its blocks until one of both is changed. Free where the file system can do it.
        if (can_clone_ && ::ioctl(target.descriptor(), FICLONE, source.descriptor()) == 0) return {};
        can_clone_ = false;
        return copy_content(source, target);
    }

private:
    static Result<void> copy_content(const OpenFile& source, const OpenFile& target) {
        constexpr std::size_t at_once = 1UL << 30;
        for (;;) {
            ssize_t copied = ::copy_file_range(source.descriptor(), nullptr, target.descriptor(), nullptr, at_once, 0);
            // Not between these file systems.
            if (copied < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
                copied = ::sendfile(target.descriptor(), source.descriptor(), nullptr, at_once);
            }
            if (copied < 0 && errno == EINTR) continue;
            if (copied < 0) return file_error("copy " + source.path().string() + " to", target.path(), errno);
            if (copied == 0) return {};
        }
    }

    std::atomic<bool> can_clone_{true};
};

/// For few files a thread costs more than it gives.
unsigned threads_for(std::size_t files) {
    constexpr std::size_t files_per_thread = 8;
    return static_cast<unsigned>(std::min<std::size_t>(computing_threads(), 1 + files / files_per_thread));
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
    constexpr std::size_t threads_max = 8;
    constexpr std::size_t files_per_thread = 8;
    const auto threads = static_cast<unsigned>(std::min(threads_max, 1 + files.size() / files_per_thread));
    return run_parallel(files.size(), threads, [&](std::size_t at) { return sync_file(ops, files[at]); });
}

/// Everything below a folder, durably.
Result<void> sync_tree(FileOps& ops, const fs::path& folder) {
    const auto entries = entries_of(folder);
    if (!entries) return entries.error();
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : *entries) {
        std::error_code ignored;
        const auto type = entry.symlink_status(ignored).type();
        if (type == fs::file_type::regular) files.push_back(entry.path());
        if (type != fs::file_type::directory) continue;
        if (auto synced = sync_tree(ops, entry.path()); !synced) return synced;
    }
    if (auto synced = sync_files(ops, files); !synced) return synced;
    return ops.sync_folder(folder);
}

Result<void> check_instance(const fs::path& file) {
    const auto whole = dicom::EditableFile::open(file);
    if (whole) return {};
    return Error{Errc::invalid, fmt::format("the module wrote {}, which is no DICOM file or not a whole one: {}",
                                            file.filename().string(), whole.error().message)};
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

/// JSON as Python writes it, with numbers that JSON does not have.
std::string with_null_for_nan(std::string_view text) {
    std::string changed;
    bool in_text = false;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        std::size_t length = in_text && c == '\\' ? 2 : 1;
        if (c == '"') in_text = !in_text;
        bool is_word = false;
        for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
            if (in_text || !text.substr(at).starts_with(word)) continue;
            length = word.size();
            is_word = true;
        }
        changed += is_word ? "null" : text.substr(at, length);
        at += length;
    }
    return changed;
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
    json["images"] = state.images;
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
        state.images = json.value("images", std::vector<std::string>());
        state.publish_to = stage_of(json.at("publish_to").get<std::string>());
    } catch (const Json::exception&) {
        return Error{Errc::invalid, fmt::format("{} is damaged", ProcessingFolder::state_file)};
    }
    return state;
}

ProcessingFolder::ProcessingFolder(const TaskFolders& folders, std::string id)
    : folders_(folders), id_(std::move(id)), folder_(folders.path(Stage::processing, id_)) {}

ProcessingFolder::ProcessingFolder(const TaskFolders& folders, std::string id, fs::path folder)
    : folders_(folders), id_(std::move(id)), folder_(std::move(folder)) {}

fs::path ProcessingFolder::leaving(const TaskFolders& folders, const std::string& id) {
    return folders.path(Stage::processing, std::string(publishing_prefix) + id);
}

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
        for (const fs::directory_entry& file : *entries) {
            if (!belongs_to_task(file)) continue;
            const fs::path to = making / file.path().filename();
            if (auto linked = link_or_copy_file(ops, file.path(), to); !linked) return linked;
        }
        if (auto synced = ops.sync_folder(making); !synced) return synced;
        if (auto renamed = rename_durably(ops, making, kept); !renamed) return renamed;
    }
    for (const fs::directory_entry& file : *entries) {
        const fs::path name = file.path().filename();
        if (!belongs_to_task(file) || name == TaskFile::file_name || !path_exists(kept / name)) continue;
        if (auto removed = ops.unlink(file.path()); !removed) return removed;
    }
    return {};
}

Result<void> ProcessingFolder::fill_in(const Inputs& inputs) const {
    const auto originals = entries_of(folder_ / as_received);
    if (!originals) return originals.error();
    std::set<std::string> names;
    std::vector<fs::path> files;
    for (const fs::directory_entry& file : *originals) {
        if (file.path().filename() == TaskFile::file_name) continue;
        names.insert(file.path().filename());
        files.push_back(file.path());
    }
    const auto is_instance = [](const fs::path& file) { return file.extension() == ".dcm"; };
    if (std::none_of(files.begin(), files.end(), is_instance)) {
        return Error{Errc::not_found, "the task has no *.dcm, so there is nothing to process"};
    }
    InputCopies copies;
    return run_parallel(files.size(), threads_for(files.size()), [&](std::size_t at) -> Result<void> {
        const fs::path& file = files[at];
        const fs::path to = in() / file.filename();
        auto placed = inputs.link ? link_or_copy_file(folders_.ops(), file, to) : copies.copy(file, to);
        const std::string tags_name = file.stem().string() + ".tags";
        if (!placed || !inputs.tags || !is_instance(file) || names.contains(tags_name)) return placed;
        return write_tags(file, in() / tags_name, inputs);
    });
}

Result<void> ProcessingFolder::write_tags(const fs::path& instance, const fs::path& to, const Inputs& inputs) const {
    dicom::TagReadOptions options;
    options.additional_tags = inputs.additional_tags;
    const auto tags = dicom::read_tags(instance, options);
    if (!tags) return tags.error();
    auto file = folders_.ops().create(to);
    if (!file) return file.error();
    return folders_.ops().write(*file, to_tags_file(*tags));
}

Result<void> ProcessingFolder::write_step_task(const TaskFile& task, unsigned step) const {
    TaskFile single = task;
    single.process = {task.process.at(step)};
    single.process_is_list = false;
    // Not durable: after a power cut the task is begun anew.
    FileOps& ops = folders_.ops();
    const fs::path path = in() / TaskFile::file_name;
    if (auto removed = ops.unlink(path); !removed) return removed;
    auto file = ops.create(path);
    if (!file) return file.error();
    return ops.write(*file, to_json_text(single));
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
    if (result.is_discarded()) result = Json::parse(with_null_for_nan(*text), nullptr, false);
    return result;
}

Result<OutputSummary> ProcessingFolder::check_outputs(bool are_checked) const {
    struct statvfs space {};
    if (::statvfs(out().c_str(), &space) == 0 && space.f_bavail * space.f_frsize < free_min) {
        return Error{Errc::no_space,
                     "the disk was full when the module had ended, so its results may be torn: make "
                     "space and run the task again"};
    }
    OutputSummary summary;
    std::vector<fs::path> files;
    std::error_code error;
    for (fs::recursive_directory_iterator entry(out(), error), end; !error && entry != end; entry.increment(error)) {
        if (!entry->is_regular_file() || entry->path().filename() == TaskFile::file_name) continue;
        files.push_back(entry->path());
        if (entry->path().extension() == ".dcm" && entry.depth() == 0) ++summary.instances;
    }
    if (error) return Error{Errc::io, fmt::format("cannot list {}: {}", out().string(), error.message())};
    summary.files = files.size();
    if (are_checked) return summary;
    const auto checked = run_parallel(files.size(), threads_for(files.size()), [&](std::size_t at) -> Result<void> {
        begin_to_sync(files[at]);
        return files[at].extension() == ".dcm" ? check_instance(files[at]) : Result<void>();
    });
    if (!checked) return checked.error();
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

Result<ProcessingFolder::Published> ProcessingFolder::publish(ProcessingState state) const {
    FileOps& ops = folders_.ops();
    if (state.phase != ProcessingState::Phase::publishing) {
        state.phase = ProcessingState::Phase::publishing;
        if (auto written = write_state(state); !written) return written.error();
    }
    // Beside the task first: the move between file systems leaves its own traces there, which the start knows.
    const fs::path leaving = ProcessingFolder::leaving(folders_, id_);
    if (!path_exists(leaving) && path_exists(out())) {
        if (auto renamed = rename_durably(ops, out(), leaving); !renamed) return renamed.error();
    }
    Published published;
    if (path_exists(leaving)) {
        // Only now: whoever holds the task after this finds the results here or in their stage.
        if (const auto holds = TaskFolders::holds_of(folder_)) {
            if (auto held = folders_.hold(leaving, *holds); !held) return held.error();
        }
        auto moved = folders_.move(leaving, state.publish_to, id_);
        if (!moved) return moved.error();
        published.folder = std::move(*moved);
    }
    auto remains = folders_.set_aside(folder_);
    if (!remains) return remains.error();
    published.remains = std::move(*remains);
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
    (void)ops.unlink(folder_ / state_file);  // also makes room for the reason on a full disk
    return folders_.park(folder_, FailStage::processing, reason);
}

}  // namespace quicksilver
