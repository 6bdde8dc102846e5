#pragma once

#include "quicksilver/pipeline/runners/module_runner.hpp"

#include "container_request.hpp"
#include "docker_engine.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Whether the image is fetched before a run.
enum class PullPolicy {
    always,   ///< at most once an hour, as mercure does; an image that is there is good enough when it fails
    missing,  ///< only when it is not there
    never,
};

/// Where a path of ours lies for the engine, when we run in a container ourselves. Pure.
struct PathMount {
    std::filesystem::path inside, outside;
};
std::filesystem::path path_for_engine(const std::filesystem::path& path, const std::vector<PathMount>& mounts);

/// The id of the container that we run in, by the files that its engine mounts into it: /proc/self/mountinfo has their
/// paths on the host. Empty when it has none. Pure.
std::string container_id_of(std::string_view mountinfo);

/// The time in front of a log line, as the engine takes it for `since`: "1795341487.123456789". Empty for any other
/// form, which is no harm: lines come twice and are told apart by their times.
std::string unix_time_of(std::string_view log_time);

/// The labels of a run's container, and the run of a container's labels.
std::map<std::string, std::string> labels_of(const RunId& run, const std::string& installation);
std::optional<RunId> run_of(const nlohmann::json& labels);

/// Runs modules as containers of a Docker or Podman engine (contract §6.3). A container that still runs when the
/// server stops goes on, and the next start finds it by its labels.
class DockerRunner final : public ModuleRunner, public ModuleImages {
public:
    /// `installation` tells our containers from those of other servers on the same engine.
    DockerRunner(EngineAddress address, ModulePolicy policy, std::string installation);

    Result<std::string> ready(const StopFlag& stop) override;
    Result<void> prepare(const ModuleRun& run, const RunControl& control, const RunProgress& progress) override;
    Result<ModuleEnd> run(const ModuleRun& run, const RunControl& control, const RunProgress& progress) override;
    Result<void> collect(const ModuleRun& run) override;
    Result<std::set<RunId>> sweep(const std::set<RunId>& wanted) override;

    Result<std::vector<ModuleImage>> list_images(const StopFlag& stop) override;
    Result<void> pull_image(const std::string& image, const StopFlag& stop, const Progress& progress) override;
    Result<std::vector<std::string>> load_images(const std::filesystem::path& tar, const StopFlag& stop,
                                                 const Progress& progress) override;

private:
    struct Image {
        std::string id, digest;
        std::optional<std::vector<std::string>> map_command;
    };

    Result<EngineInfo> engine_info(const StopFlag& stop);
    Result<void> fetch(const std::string& image, PullPolicy policy, const RunControl& control,
                       const RunProgress& progress);
    Result<Image> examine(const std::string& image);
    Result<std::optional<std::vector<std::string>>> map_command_of(const std::string& image_id);
    struct Found {
        std::string container;
        bool has_started = false;
    };
    Result<Found> find(const RunId& run);
    Result<std::string> find_or_start(const ModuleRun& run, const RunControl& control, const RunProgress& progress,
                                      bool& was_there);
    Result<std::string> start(const ModuleRun& run, const RunControl& control, const RunProgress& progress);
    Result<void> follow(const std::string& container, const RunControl& control, const RunProgress& progress);
    Result<bool> wait_for_engine(const std::string& container, const RunControl& control);
    Result<ModuleEnd> ended(const std::string& container);
    Result<std::vector<PathMount>> mounts();

    DockerEngine engine_;
    const ModulePolicy policy_;
    const std::string installation_;
    std::mutex mutex_;  // guards what follows
    std::optional<EngineInfo> info_;
    std::map<std::string, std::chrono::steady_clock::time_point> pulled_;          // by image name
    std::map<std::string, std::optional<std::vector<std::string>>> map_commands_;  // by image id
    std::optional<std::vector<PathMount>> mounts_;
};

}  // namespace quicksilver
