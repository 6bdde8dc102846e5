#pragma once

#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

struct SeriesRow {
    std::int64_t id = 0;  ///< grows with each new series; for paging
    std::string time;     ///< RFC 3339; so everywhere here
    std::string series_uid, study_uid, modality, description;
    std::string state, outcome, rules, task_id;
    std::uint64_t instances = 0, bytes = 0;
};

struct TaskRow {
    std::string id, parent_id, time, series_uid, study_uid;
    std::string task_json;  ///< as last registered; may be empty
};

struct TaskEventRow {
    std::int64_t id = 0;
    std::string time, task_id, sender, event, target, info;
    std::uint64_t file_count = 0;
};

struct DecisionRow {
    std::int64_t id = 0;
    std::string time, series_uid, task_id;
    std::string decision_json;
};

/// A part of what a module said; the parts of one run follow one another.
struct ProcessorLogRow {
    std::int64_t id = 0;
    std::string time, task_id, module;
    std::string run;  ///< which run of the module
    unsigned chunk = 0;
    std::string text;
    std::string file;  ///< where the output lies when it is not in the database
};

/// The result.json of one module of a task.
struct ProcessorOutputRow {
    std::int64_t id = 0;
    std::string time, task_id, module;
    unsigned index = 0;  ///< in the chain
    std::string settings_json, output_json;
};

/// The bookkeeper's database, the reading side: never writes, never waits for the writer. One thread at a time.
/// Opens itself anew when the file was replaced. Every list has a limit.
class Reader {
public:
    explicit Reader(std::filesystem::path file);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// Newest first; `before` = only rows with a smaller id, for the next page.
    Result<std::vector<SeriesRow>> recent_series(std::size_t limit, std::int64_t before = INT64_MAX);
    /// How many series are in which state.
    Result<std::map<std::string, std::uint64_t>> series_by_state();
    /// The tags that the series' rules saw, as a JSON object; "" when the series is not known.
    Result<std::string> series_tags(std::string_view series_uid);
    /// Newest first: one for each part of the series that was routed.
    Result<std::vector<DecisionRow>> decisions(std::string_view series_uid, std::size_t limit = 100);
    /// Newest first, without the tasks that another one made.
    Result<std::vector<TaskRow>> recent_tasks(std::size_t limit);
    /// Of the task and the tasks it made, in the order they happened.
    Result<std::vector<TaskEventRow>> task_events(std::string_view task_id, std::size_t limit = 10000);
    /// Of the task and the tasks it made, in the order they were written; `after` = only rows with a greater id, for
    /// the next page and for following a module that runs. A row has at most 64 KiB of text. The last row of a run may
    /// still grow: ask again with the id before it.
    Result<std::vector<ProcessorLogRow>> processor_logs(std::string_view task_id, std::size_t limit,
                                                        std::int64_t after = 0);
    /// Of the task and the tasks it made, in the order they came.
    Result<std::vector<ProcessorOutputRow>> processor_outputs(std::string_view task_id, std::size_t limit = 1000);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace quicksilver
