#pragma once

#include "quicksilver/core/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace quicksilver {

/// A study that is being collected, as the interface shows it.
struct CollectedStudyView {
    std::string id;  ///< StudyInstanceUID#rule
    std::string study_uid, rule;
    std::string created_at, last_received_at;  ///< local time, as in task.json
    std::string required_series;               ///< the expression that completes it; "" when time does
    std::vector<std::string> received_series;  ///< descriptions
    std::vector<std::string> series_uids;
    std::vector<std::string> missing_series;  ///< what has not come of the required ones
    std::string state;                        ///< why it waits, in words
    nlohmann::json task;                      ///< task.json
};

/// What people do to the pipeline. Io thread. Implemented by the composition root.
class Control {
public:
    enum class Stage { process, dispatch };

    virtual ~Control() = default;

    /// What runs is finished, and nothing new begun; outlives a restart, as the file HALT of mercure does.
    virtual boost::asio::awaitable<Result<void>> pause(Stage stage) = 0;
    virtual boost::asio::awaitable<Result<void>> resume(Stage stage) = 0;

    virtual std::vector<CollectedStudyView> studies() const = 0;
    /// Errc::not_found when the study is not being collected (any more).
    virtual boost::asio::awaitable<Result<void>> complete_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> discard_study(std::string id) = 0;
    virtual boost::asio::awaitable<Result<void>> extend_study(std::string id) = 0;
};

}  // namespace quicksilver
