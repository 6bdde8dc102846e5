#pragma once

#include "quicksilver/http/message.hpp"
#include "quicksilver/store/bookkeeper_queries.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <utility>
#include <vector>

namespace quicksilver {

/// What a question of mercure's bookkeeper is answered from, on a reader's thread.
struct BookkeeperAsked {
    BookkeeperQueries& queries;
    const HttpRequest& request;
    const TaskFolders& folders;
    WallTime now;
};

using BookkeeperQuestion = std::function<nlohmann::json(const BookkeeperAsked& asked)>;

/// The questions by their paths (contract §9.1). Times are mercure's: local, without zone.
const std::vector<std::pair<const char*, BookkeeperQuestion>>& bookkeeper_questions();

}  // namespace quicksilver
