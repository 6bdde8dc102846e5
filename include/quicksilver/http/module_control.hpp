#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

/// An image that the container engine has, and the modules that run it.
struct EngineImage {
    std::string id;
    std::vector<std::string> names, digests;
    std::uint64_t bytes = 0;
    std::string created_at;  ///< RFC 3339; "" when it is not known
    std::vector<std::string> used_by;
};

/// The image of a module that runs in containers.
struct ModuleImageState {
    std::string docker_tag;
    bool present = false;
    std::string digest;  ///< "registry/name@sha256:…", else the image's id; "" when it is not there
};

struct EngineImages {
    std::vector<EngineImage> images;
    std::map<std::string, ModuleImageState> modules;  ///< by name
};

/// A run of a module to see what it does, on copies of the files of a series.
struct ModuleTrialOrder {
    std::string module, series_uid;
    /// Where its files lie now; on a thread of a pool.
    std::function<std::vector<std::filesystem::path>()> find_files;
};

struct ModuleTrialEnd {
    struct Output {
        std::string name;
        std::uint64_t bytes = 0;
    };
    int exit_code = 0;
    double seconds = 0;  ///< that the module ran
    std::string image;
    std::string problem;  ///< why a task would have failed; "" when it would not
    std::string log;      ///< its last lines
    nlohmann::json result;
    std::vector<Output> outputs;  ///< the first of them
    std::uint64_t outputs_total = 0;
};

/// What people do with processing modules. Io thread. Implemented by the composition root. The errors say what to do
/// instead; Errc::busy while the container engine is away.
class ModuleControl {
public:
    /// Set by whoever wants the work to end.
    using Stop = std::shared_ptr<const StopFlag>;
    /// Bytes, as far as they are known; on the io thread.
    using Progress = std::function<void(std::uint64_t done, std::uint64_t total)>;

    virtual ~ModuleControl() = default;

    /// `may_be_old`: an answer of some seconds ago will do.
    virtual boost::asio::awaitable<Result<EngineImages>> images(bool may_be_old) = 0;
    /// From its registry, also when it is there.
    virtual boost::asio::awaitable<Result<void>> pull_image(std::string image, Stop stop, Progress progress) = 0;
    /// From a tar that `docker save` wrote; the names of the images in it.
    virtual boost::asio::awaitable<Result<std::vector<std::string>>> load_images(std::filesystem::path tar, Stop stop,
                                                                                 Progress progress) = 0;

    /// Whether the module of this step of a task runs or is still to run.
    virtual bool may_say_more(const std::string& task_id, std::int64_t step) const = 0;

    /// Keeps modules from using a persistence folder, as long as somebody has what this returns. Errc::busy while one
    /// runs that uses it.
    virtual Result<std::shared_ptr<const void>> hold_persistence(const std::string& folder) = 0;
    virtual bool uses_persistence(const std::string& folder) const = 0;

    /// `tell` is told on the io thread what begins: turn, files, image, run. `on_cancel` is given what ends it.
    virtual boost::asio::awaitable<Result<ModuleTrialEnd>> try_module(
        ModuleTrialOrder order, std::function<void(std::string name, std::string detail)> tell,
        std::function<void(std::function<void()> end)> on_cancel) = 0;
};

}  // namespace quicksilver
