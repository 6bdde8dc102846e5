#pragma once

#include "quicksilver/core/config_loader.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/status_source.hpp"
#include "quicksilver/pipeline/stage_context.hpp"

#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace quicksilver {

class DeliveryControl;
class Processor;
class Receiver;
class Router;
class SeriesHolds;
class StudyCollector;
class TargetRegistry;

/// Carries out what people want of the stages. Io thread.
class PipelineControl final : public Control {
public:
    /// All outlive this.
    struct Parts {
        StageContext context;
        boost::asio::thread_pool& sends;
        Receiver& receiver;
        Router& router;
        SeriesHolds& holds;
        StudyCollector& studies;
        Processor& processor;
        DeliveryControl& delivery;
        const TargetRegistry& targets;
        ConfigSources sources;              ///< of the configuration, to read what is not saved
        std::filesystem::path pauses_file;  ///< where pauses are kept over a restart
    };
    explicit PipelineControl(Parts parts);

    /// Pauses what was paused when the server stopped. Before the stages run.
    boost::asio::awaitable<void> restore();
    /// Lets paused stages go on when their time has come; until cancelled.
    boost::asio::awaitable<void> watch();
    /// Why a stage is paused; nothing when nobody said so.
    std::optional<StagePause> pause_of(Stage stage) const;

    boost::asio::awaitable<Result<void>> pause(Stage stage, PauseOrder order) override;
    boost::asio::awaitable<Result<void>> resume(Stage stage) override;
    std::vector<CollectedStudyView> studies() const override;
    boost::asio::awaitable<Result<void>> complete_study(std::string id) override;
    boost::asio::awaitable<Result<void>> discard_study(std::string id) override;
    boost::asio::awaitable<Result<void>> extend_study(std::string id) override;
    boost::asio::awaitable<Result<void>> act_on_target(TargetAction action, std::string target) override;
    boost::asio::awaitable<Result<Steps>> test_target(std::string target, Stop stop, StepObserver on_step) override;
    boost::asio::awaitable<Result<Steps>> test_unsaved_target(std::string document, std::string target, Stop stop,
                                                              StepObserver on_step) override;
    boost::asio::awaitable<Result<void>> act_on_task(TaskAction action, std::string task_id) override;
    boost::asio::awaitable<Result<std::string>> send_task(std::string task_id,
                                                          std::vector<std::string> targets) override;
    boost::asio::awaitable<Result<std::vector<std::string>>> hold_series(SeriesChoice series,
                                                                         std::string user) override;
    boost::asio::awaitable<Result<std::vector<std::string>>> release_series(SeriesChoice series) override;
    std::shared_ptr<const Holds> holds() const override;
    boost::asio::awaitable<Result<std::string>> route_series(SeriesChoice series, std::string rule) override;
    boost::asio::awaitable<Result<void>> remove_task(std::string task_id) override;
    boost::asio::awaitable<std::vector<CleaningItem>> clean(bool remove) override;

    static constexpr std::chrono::seconds watch_interval{1};

private:
    boost::asio::awaitable<Result<void>> retry(std::string task_id);
    boost::asio::awaitable<Result<void>> set_paused(Stage stage, bool paused);
    boost::asio::awaitable<Result<void>> write_pauses();
    Result<void> remove_ended(const std::string& task_id) const;
    std::vector<CleaningItem> clean_blocking(bool remove) const;

    Parts parts_;
    std::map<Stage, StagePause> pauses_;
};

}  // namespace quicksilver
