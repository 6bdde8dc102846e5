#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Which run of which module of which task. A new attempt at the same step is another run.
struct RunId {
    std::string task;
    unsigned step = 0;  ///< 0 = the first module of the task
    std::string attempt;
    auto operator<=>(const RunId&) const = default;
};

/// One module, to be run on one folder.
struct ModuleRun {
    RunId id;
    std::string module;                 ///< its name
    nlohmann::json config;              ///< contract §1.5 and ours, as ModuleConfig::settings
    nlohmann::json settings;            ///< the module's, with those of the rule over them
    std::filesystem::path in, out;      ///< both exist
    std::filesystem::path persistence;  ///< exists; empty = the module needs none
    std::shared_ptr<const Config> server;
    bool is_last = false;  ///< no other module of the task follows: what this one leaves will be delivered
};

/// Why a run has to end before its time.
enum class Interruption {
    none,
    server_stops,  ///< leave it running where that is possible: the next start goes on with it
    cancelled,     ///< a person wants it to end
    timed_out,
};

/// Ends a run from another thread. The first reason counts.
class RunControl {
public:
    void interrupt(Interruption why) {
        auto expected = Interruption::none;
        if (why_.compare_exchange_strong(expected, why)) stop_ = true;
    }
    Interruption why() const { return why_; }
    const StopFlag& flag() const { return stop_; }

private:
    std::atomic<Interruption> why_{Interruption::none};
    StopFlag stop_{false};
};

/// Told from threads of the run, by one at a time.
struct RunProgress {
    /// Whole lines of the module's output, each with its time in front.
    std::function<void(std::string_view lines)> output;
    /// "pulling image: 12 of 40 MB", for people.
    std::function<void(std::string text)> status;
};

/// How a run ended by itself.
struct ModuleEnd {
    int exit_code = 0;
    std::string image;        ///< what was run, exactly: a digest or an image id; empty where there is none
    std::string reason;       ///< what is known beside the exit code: "out of memory"
    bool is_checked = false;  ///< every `*.dcm` in `out` is known to be a DICOM file
    bool is_out_of_memory = false;
};

/// Something that runs processing modules. Called from the modules pool, by several threads at once. Order, slots,
/// repetition and records are the processor's, not the runner's.
/// Errc::busy: not now, for a reason that has nothing to do with the module; the same will be tried again.
/// Errc::cancelled: `control` asked for it. Anything else: this run has failed.
class ModuleRunner {
public:
    virtual ~ModuleRunner() = default;
    /// Whether modules can run now; the text says what runs them.
    virtual Result<std::string> ready(const StopFlag& stop) = 0;
    /// Everything that is needed before the module can start: its image, rights.
    virtual Result<void> prepare(const ModuleRun& run, const RunControl& control, const RunProgress& progress) = 0;
    /// Runs it, or goes on with this very run if it is still there.
    virtual Result<ModuleEnd> run(const ModuleRun& run, const RunControl& control, const RunProgress& progress) = 0;
    /// After run(), however it ended: what is in `out` belongs to us, and nothing else of the run is left.
    virtual Result<void> collect(const ModuleRun& run) = 0;
    /// For the start: ends and removes runs of this installation that nobody wants, and returns which of `wanted` are
    /// still there.
    virtual Result<std::set<RunId>> sweep(const std::set<RunId>& wanted) = 0;
};

/// An image that a container engine has.
struct ModuleImage {
    std::string id;
    std::vector<std::string> names;    ///< "registry/name:tag"
    std::vector<std::string> digests;  ///< "registry/name@sha256:…", of where it came from
    std::uint64_t bytes = 0;
    std::string created;  ///< RFC 3339; empty when the engine does not say
};

/// The one that a module with this `docker_tag` runs: the names "a", "a:latest" and "docker.io/library/a" mean the same
/// image. Null when the engine does not have it.
const ModuleImage* find_image(const std::vector<ModuleImage>& images, std::string_view docker_tag);

/// How far fetching or loading an image is.
struct ImageProgress {
    std::uint64_t done = 0, total = 0;  ///< bytes, as far as they are known
    std::string text;                   ///< "12 of 40 MB", or the engine's last words
};

/// The images of a runner. Blocks: for a pool. Errc::busy while the engine is away, cancelled when `stop` was set.
class ModuleImages {
public:
    using Progress = std::function<void(const ImageProgress&)>;

    virtual ~ModuleImages() = default;
    virtual Result<std::vector<ModuleImage>> list_images(const StopFlag& stop) = 0;
    /// Fetches it from its registry, also when it is there.
    virtual Result<void> pull_image(const std::string& image, const StopFlag& stop, const Progress& progress) = 0;
    /// From a tar that `docker save` wrote, for machines without a registry. The names of the images in it, or the ids
    /// of those without one.
    virtual Result<std::vector<std::string>> load_images(const std::filesystem::path& tar, const StopFlag& stop,
                                                         const Progress& progress) = 0;
};

/// The kinds of runners by name: docker, and the steps of our own.
class RunnerRegistry {
public:
    void add(std::string name, std::unique_ptr<ModuleRunner> runner);
    /// Null when there is none of that name.
    ModuleRunner* find(std::string_view name) const;
    /// Of the container engine; null when it has none, as when its address is wrong.
    ModuleImages* images() const;
    const std::map<std::string, std::unique_ptr<ModuleRunner>, std::less<>>& all() const { return runners_; }

private:
    std::map<std::string, std::unique_ptr<ModuleRunner>, std::less<>> runners_;
};

/// Which runner a module wants: its `runner`, else `process_runner`, else docker.
std::string runner_name(const nlohmann::json& module_config, const Config& config);

/// The runners that this program has: `docker`, `edit-tags`, `deidentify`.
void register_builtin_runners(RunnerRegistry& registry, const Config& config);

}  // namespace quicksilver
