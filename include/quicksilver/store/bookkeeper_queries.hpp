#pragma once

#include "quicksilver/store/database.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
