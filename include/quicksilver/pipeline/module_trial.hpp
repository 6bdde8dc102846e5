#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/pipeline/module_slots.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

class ProcessingFolder;

/// What the modules of a configuration take while one of them runs.
SlotNeeds slot_needs_of(const std::string& module, const nlohmann::json& module_config, const Config& config);

/// How long it may run; 0 = as long as it likes.
Seconds time_limit_of(const nlohmann::json& module_config, const Config& config);

/// A run of one module to see what it does: on copies of the files of a series and of what it keeps between its runs,
/// in a folder of its own below jobs/. Nothing is delivered or written down, and nothing is left of it.
class ModuleTrial {
public:
    struct Order {
        std::string module;
        nlohmann::json config;  ///< as ModuleConfig::settings
        std::string series_uid;
        /// Where its files lie now; asked again when somebody has moved them meanwhile.
        std::function<std::vector<std::filesystem::path>()> find_files;
    };
    struct Output {
        std::string name;  ///< below the folder for results
        std::uint64_t bytes = 0;
    };
    struct End {
        int exit_code = 0;
        Seconds seconds{0};  ///< that the module ran
        std::string image;
        std::string problem;            ///< why a task would have failed; "" when it would not
        std::string log;                ///< its last lines
        nlohmann::ordered_json result;  ///< of result.json
        std::vector<Output> outputs;    ///< the first of them
        std::uint64_t outputs_total = 0;
    };
    /// `name`: files, image, run.
    using Observer = std::function<void(const std::string& name, const std::string& detail)>;

    ModuleTrial(const TaskFolders& folders, std::shared_ptr<const Config> config, Order order);

    const RunId& id() const { return id_; }
    const std::string& runner() const { return runner_; }
    SlotNeeds needs() const { return needs_; }

    /// Blocks: for the modules pool, with the slots. Errors: of whatever kept the module from running to its end.
    Result<End> run(ModuleRunner& runner, const RunControl& control, const Observer& tell) const;

    /// Removes what earlier starts of the server left of trials, which a crash cut off.
    static Result<void> remove_leftovers(FileOps& ops, const std::filesystem::path& jobs);

    static constexpr std::size_t log_max = 64 * 1024;
    static constexpr std::size_t outputs_max = 1000;
    static constexpr std::uint64_t persistence_max = 4ULL << 30;  ///< bytes that are copied

private:
    class Sandbox;
    Result<std::uint64_t> fill(const std::filesystem::path& folder) const;
    Result<void> copy_persistence(const std::filesystem::path& to) const;
    End sum_up(const ModuleEnd& end, Seconds seconds, const ProcessingFolder& folder) const;

    const TaskFolders& folders_;
    const std::shared_ptr<const Config> config_;
    const Order order_;
    RunId id_;
    std::string runner_;
    SlotNeeds needs_;
};

}  // namespace quicksilver
