#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/store/task_file.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// How far a task in processing/ has come. Lies in its folder as `.run.json`, so that the next start can go on.
struct ProcessingState {
    enum class Phase {
        running,     ///< the module of `step` runs, or is about to
        publishing,  ///< decided: `out` is whole and goes to `publish_to`
    };
    Phase phase = Phase::running;
    unsigned step = 0;
    std::string attempt;
    nlohmann::ordered_json outputs = nlohmann::ordered_json::array();  ///< a pair [module, output] for each step done
    std::vector<std::string> images = {};  ///< what was run by the steps done, exactly; empty where there is none
    Stage publish_to = Stage::success;
};

std::string to_json_text(const ProcessingState& state);
Result<ProcessingState> parse_processing_state(std::string_view text);

/// What a module left in `out`.
struct OutputSummary {
    std::uint64_t instances = 0;  ///< *.dcm
    std::uint64_t files = 0;      ///< of any kind, but task.json; sub-folders included
};

/// The folder of a task that is being processed (contract §3): `as_received` has the files as they came and is never
/// changed; `in` and `out` are what the module sees. Whatever call a crash interrupts,
/// the task can be begun anew from `as_received`, or is published whole, once. Everything blocks: for the files pool.
/// One thread at a time for one folder.
class ProcessingFolder {
public:
    static constexpr const char* state_file = ".run.json";
    static constexpr const char* as_received = "as_received";

    struct Inputs {
        bool link = false;  ///< read-only links, for who does not change them in place; else copies
        bool tags = true;   ///< with a `.tags` file beside each instance
        std::vector<std::string> additional_tags;  ///< for the `.tags` files
    };

    ProcessingFolder(const TaskFolders& folders, std::string id);
    /// Of a run that is no task's, which is never published and never fails.
    ProcessingFolder(const TaskFolders& folders, std::string id, std::filesystem::path folder);

    const std::string& id() const { return id_; }
    const std::filesystem::path& path() const { return folder_; }
    std::filesystem::path in() const { return folder_ / "in"; }
    std::filesystem::path out() const { return folder_ / "out"; }
    /// Where results are on their way to the next stage.
    static std::filesystem::path leaving(const TaskFolders& folders, const std::string& id);

    /// Of an earlier start; nothing when the task has not begun.
    Result<std::optional<ProcessingState>> state() const;

    /// Moves the files aside to `as_received`, unless that was done before, and makes `in` from them and an empty
    /// `out`. What was in both before is gone.
    Result<ProcessingState> begin(const std::string& attempt, const Inputs& inputs) const;
    /// `in/task.json` for the module: the task with only this step in `process`.
    Result<void> write_step_task(const TaskFile& task, unsigned step) const;

    /// The module's result.json: null when there is none, discarded (`is_discarded()`) when it is no JSON; NaN and
    /// infinite numbers, which Python writes, are null. Errc::invalid when it is too large or too deep.
    Result<nlohmann::ordered_json> read_result() const;
    /// What the module left; an error when a `.dcm` file is none or is cut off, unless that is known already.
    Result<OutputSummary> check_outputs(bool are_checked = false) const;
    /// The outputs of this step are the inputs of the next.
    Result<void> next_step(ProcessingState& state) const;

    /// Makes `out` whole and durable: task.json, result.json of a chain, and with `retain` the original instances.
    Result<void> finish_outputs(const TaskFile& task, const ProcessingState& state, bool retain) const;
    struct Published {
        std::filesystem::path folder;   ///< where `out` lies now; empty when only the remains were left
        std::filesystem::path remains;  ///< of the task, out of sight and to be removed; empty when there are none
    };
    /// The decision, and then the move of `out` to its stage. Call it again after a crash: it goes on.
    Result<Published> publish(ProcessingState state) const;

    /// Gives up: everything goes to error/, with what is needed to run it again.
    Result<std::filesystem::path> fail(std::string_view reason) const;

private:
    Result<void> keep_originals() const;
    Result<void> fill_in(const Inputs& inputs) const;
    Result<void> write_tags(const std::filesystem::path& instance, const std::filesystem::path& to,
                            const Inputs& inputs) const;
    Result<void> write_state(const ProcessingState& state) const;
    Result<void> retain_originals() const;

    const TaskFolders& folders_;
    const std::string id_;
    const std::filesystem::path folder_;
};

}  // namespace quicksilver
