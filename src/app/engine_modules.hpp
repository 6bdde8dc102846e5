#pragma once

#include "quicksilver/http/module_control.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"
#include "quicksilver/pipeline/stage_context.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <optional>
#include <vector>

namespace quicksilver {

class Processor;

/// Carries out what people want of modules and their images. Io thread; the engine is asked on a pool of its own, so
/// that fetching images takes no thread from modules that run.
class EngineModules final : public ModuleControl {
public:
    /// All outlive this.
    struct Parts {
        StageContext context;
        const RunnerRegistry& runners;
        Processor& processor;
        boost::asio::thread_pool& modules;  ///< where modules run
        boost::asio::thread_pool& pool;     ///< of `threads` threads
    };
    explicit EngineModules(Parts parts) : parts_(std::move(parts)) {}

    boost::asio::awaitable<Result<EngineImages>> images(bool may_be_old) override;
    boost::asio::awaitable<Result<void>> pull_image(std::string image, Stop stop, Progress progress) override;
    boost::asio::awaitable<Result<std::vector<std::string>>> load_images(std::filesystem::path tar, Stop stop,
                                                                         Progress progress) override;
    bool may_say_more(const std::string& task_id, std::int64_t step) const override;
    Result<std::shared_ptr<const void>> hold_persistence(const std::string& folder) override;
    bool uses_persistence(const std::string& folder) const override;
    boost::asio::awaitable<Result<ModuleTrialEnd>> try_module(
        ModuleTrialOrder order, std::function<void(std::string name, std::string detail)> tell,
        std::function<void(std::function<void()> end)> on_cancel) override;

    static constexpr std::size_t threads = 5;
    static constexpr int fetched_max = 4;                        ///< at the same time; so one thread is left for lists
    static constexpr std::chrono::seconds answer_time{30};       ///< an engine that is slower counts as away
    static constexpr std::chrono::seconds quick_answer_time{5};  ///< where something else was asked for
    static constexpr std::chrono::seconds list_age_max{5};       ///< of a list that may be old
    static constexpr std::chrono::milliseconds tell_every{250};  ///< how far a fetch is

private:
    using List = Result<std::vector<ModuleImage>>;

    boost::asio::awaitable<List> list(std::chrono::seconds within);
    boost::asio::awaitable<Result<void>> ask_runner(ModuleRunner& runner);
    std::shared_ptr<StopFlag> stop_after(boost::asio::steady_timer& timer) const;
    EngineImages shown(const std::vector<ModuleImage>& images) const;
    Result<ModuleImages*> engine() const;
    ModuleImages::Progress on_io(Progress progress) const;

    Parts parts_;
    std::optional<List> last_list_;
    SteadyTime listed_at_{};
    int fetching_ = 0;
};

}  // namespace quicksilver
