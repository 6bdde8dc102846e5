#include "pipeline_control.hpp"

#include "quicksilver/core/run_blocking.hpp"

namespace quicksilver {

boost::asio::awaitable<Result<void>> PipelineControl::set_halted(Stage stage, bool halted) {
    const auto folder = stage == Stage::process ? quicksilver::Stage::processing : quicksilver::Stage::outgoing;
    auto set = [this, folder, halted] { return folders_.set_halted(folder, halted); };
    co_return co_await run_blocking(files_, set);
}

std::vector<CollectedStudyView> PipelineControl::studies() const {
    std::vector<CollectedStudyView> views;
    for (const StudyCollector::View& study : studies_.views()) {
        CollectedStudyView view;
        view.id = study.key;
        view.rule = study.task.info.applied_rule;
        view.state = study.verdict.reason;
        view.missing_series = study.verdict.missing;
        view.task = nlohmann::json::parse(to_json_text(study.task), nullptr, false);
        if (study.task.study) {
            view.study_uid = study.task.study->study_uid;
            view.created_at = study.task.study->creation_time;
            view.last_received_at = study.task.study->last_receive_time;
            view.required_series = study.task.study->complete_required_series;
            view.received_series = study.task.study->received_series;
            view.series_uids = study.task.study->received_series_uid;
        }
        views.push_back(std::move(view));
    }
    return views;
}

}  // namespace quicksilver
