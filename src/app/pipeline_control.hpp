#pragma once

#include "quicksilver/http/control.hpp"
#include "quicksilver/pipeline/study_collector.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/thread_pool.hpp>

namespace quicksilver {

/// Carries out what people want of the stages. Io thread.
class PipelineControl final : public Control {
public:
    /// All outlive this.
    PipelineControl(const TaskFolders& folders, boost::asio::thread_pool& files, StudyCollector& studies)
        : folders_(folders), files_(files), studies_(studies) {}

    boost::asio::awaitable<Result<void>> pause(Stage stage) override { return set_halted(stage, true); }
    boost::asio::awaitable<Result<void>> resume(Stage stage) override { return set_halted(stage, false); }
    std::vector<CollectedStudyView> studies() const override;
    boost::asio::awaitable<Result<void>> complete_study(std::string id) override { return studies_.complete(id); }
    boost::asio::awaitable<Result<void>> discard_study(std::string id) override { return studies_.discard(id); }
    boost::asio::awaitable<Result<void>> extend_study(std::string id) override { return studies_.extend(id); }

private:
    boost::asio::awaitable<Result<void>> set_halted(Stage stage, bool halted);

    const TaskFolders& folders_;
    boost::asio::thread_pool& files_;
    StudyCollector& studies_;
};

}  // namespace quicksilver
