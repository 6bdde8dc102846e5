#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/targets/target_test.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace quicksilver {

class CommitmentReports;
class FileOps;

/// A task on its way to one target.
struct Delivery {
    std::filesystem::path folder;
    TaskFile task;
    std::vector<std::filesystem::path> instances;  ///< `*.dcm` of the folder
    std::set<std::string> confirmed;               ///< file names that this target has confirmed already
    /// To be called for an instance that was confirmed and that the target does not keep, with the reason as a DIMSE
    /// status: it is sent again.
    std::function<void(const std::string& file, std::uint16_t status)> withdraw;
};

/// What a complete delivery came to.
struct Receipt {
    std::uint64_t instances = 0;  ///< sent this time
    std::uint64_t bytes = 0;
    std::uint64_t warnings = 0;  ///< of the instances: stored with a warning status
    std::uint64_t streamed = 0;  ///< of the instances: sent unparsed
    bool committed = false;      ///< the target has committed to keep all of the task (Storage Commitment)
};

/// Called for each instance as the target confirms it, with its file name and DIMSE status (0 where there is none).
using Progress = std::function<void(const std::string& file, std::uint16_t status)>;

/// Somewhere a finished task can be delivered. Made from configuration; used from the sends pool, by several threads
/// at once. Retry, order and records are the dispatcher's, not the target's.
class Target {
public:
    virtual ~Target() = default;
    /// Delivers what is not confirmed yet, blocking. An error means that not all of it is there; what was confirmed
    /// until then has been reported.
    virtual Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) = 0;
    /// Tests step by step whether the target could be delivered to, blocking: name, address, encryption, log in, and,
    /// in a full test, whether it may be written to.
    virtual void test(TargetTest& test) = 0;
    /// Whether `test` meets the same peer as every delivery does. Where it does not, failures to connect say nothing
    /// about the next delivery.
    virtual bool has_fixed_address() const { return true; }
    /// Nothing waits for this target: closes connections that were kept for the next task. Blocks.
    virtual void rest() {}
};

/// The kinds of targets, by `target_type`.
class TargetRegistry {
public:
    using Make = std::function<Result<std::unique_ptr<Target>>(const TargetConfig& target, const Config& config)>;

    void add(std::string type, Make make);
    /// Errc::not_found for a kind that this version cannot deliver to.
    Result<std::unique_ptr<Target>> make(const TargetConfig& target, const Config& config) const;

private:
    std::map<std::string, Make> kinds_;
};

/// All kinds that this program has. `ops` and `reports` outlive the targets.
void register_builtin_targets(TargetRegistry& registry, FileOps& ops, CommitmentReports& reports);

}  // namespace quicksilver
