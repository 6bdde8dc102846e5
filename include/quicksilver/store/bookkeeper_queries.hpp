#pragma once

#include "quicksilver/store/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// The questions of mercure's bookkeeper (contract §9.1), for helpers that ask them. Never writes. Throws
/// DatabaseError. One thread at a time.
class BookkeeperQueries {
public:
    explicit BookkeeperQueries(database::Connection& connection) : connection_(connection) {}

    struct File {
        std::int64_t id = 0;
        std::string time, filename, file_uid, series_uid;
    };
    std::vector<File> dicom_files(std::string_view series_uid);

    struct Series {
        std::int64_t id = 0;
        std::string time, series_uid;
        std::optional<std::string> description, modality;
    };
    /// All, newest first, or the one.
    std::vector<Series> series(std::string_view series_uid);

    struct Task {
        std::string id, time;
        std::optional<std::string> description, modality;  ///< of its series
    };
    /// Those that no other one made, newest first.
    std::vector<Task> tasks();

    struct Test {
        std::string id, type, rule_type, time_begin, time_end, status, task_id;
    };
    /// Newest first.
    std::vector<Test> tests();

    struct Event {
        std::int64_t id = 0;
        std::string task_id, time, sender, event;
        std::int64_t file_count = 0;
        std::string target, info;
        std::int64_t client_timestamp = 0;
    };
    /// Of the task and those that it made, task by task.
    std::vector<Event> task_events(std::string_view task_id);

    struct SeriesOfTask {
        std::vector<std::pair<std::string, std::optional<std::string>>> tags;  ///< that have columns, by keyword
        std::string all_tags;                                                  ///< JSON, as the rules saw them
    };
    /// Of a task that no other one made; nothing when there is no such task.
    std::optional<SeriesOfTask> series_of_task(std::string_view task_id);
    /// Ids and task.json of the task and those that it made.
    std::vector<std::pair<std::string, std::string>> task_files(std::string_view task_id);

    struct ProcessLog {
        std::int64_t id = 0;
        std::string task_id, module, time, text;
        std::string file;  ///< where the text lies instead
    };
    /// Of the task and those that it made.
    std::vector<ProcessLog> process_logs(std::string_view task_id);

    struct ProcessResult {
        std::int64_t id = 0;
        std::string time, task_id, acc, mrn, module;
        std::int64_t index = 0;
        std::string settings, output;  ///< JSON
    };
    std::vector<ProcessResult> process_results(std::string_view task_id);

    struct TaskSearch {
        std::string text;  ///< begin of accession number or patient id, part of name or rule; "" = all
        bool studies_only = false;
        int column = 3;  ///< to sort by: ACC, MRN, scope, time, rule from 0
        bool ascending = false;
        std::int64_t start = 0, length = 10;
    };
    struct FoundTask {
        std::string id, acc, mrn, scope, time, rules;
    };
    struct FoundTasks {
        std::uint64_t total = 0, matching = 0;
        std::vector<FoundTask> page;
    };
    /// Of the tasks that no other one made.
    FoundTasks find_tasks(const TaskSearch& search);

    static constexpr std::int64_t rows_max = 10'000;

private:
    database::Connection& connection_;
};

}  // namespace quicksilver
