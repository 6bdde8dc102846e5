#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/http/routes.hpp"
#include "quicksilver/store/history.hpp"
#include "quicksilver/store/journal.hpp"
#include "quicksilver/store/task_folders.hpp"

#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>

namespace quicksilver {

/// What the endpoints of mercure's bookkeeper work with; outlives the routes.
struct BookkeeperRoutes {
    std::function<std::shared_ptr<const Config>()> config;
    std::function<void(JournalEntry)> record;  ///< io thread
    const Clock& clock;
    HistoryConnections& history;
    const TaskFolders& folders;
    boost::asio::thread_pool& readers_pool;
};

/// The endpoints of mercure's bookkeeper that scripts and helpers of other makers use (contract §9.1), with its header
/// `Authorization: Token KEY`, where KEY is the configuration's `bookkeeper_api_key`. Without a key they are closed.
void add_bookkeeper_routes(Routes& routes, BookkeeperRoutes services);

}  // namespace quicksilver
