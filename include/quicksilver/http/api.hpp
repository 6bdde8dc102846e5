#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config_handle.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/log_ring.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/event_hub.hpp"
#include "quicksilver/http/operations.hpp"
#include "quicksilver/http/routes.hpp"
#include "quicksilver/http/setup_code.hpp"
#include "quicksilver/http/sign_in_watch.hpp"
#include "quicksilver/http/status_routes.hpp"
#include "quicksilver/http/status_source.hpp"
#include "quicksilver/store/administration.hpp"
#include "quicksilver/store/config_history.hpp"
#include "quicksilver/store/history.hpp"
#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/sessions.hpp"

#include <boost/asio/thread_pool.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace quicksilver {

class ModuleControl;
class TaskFolders;

/// What the REST interface works with. The composition root owns all of it, and it outlives the routes.
struct ApiServices {
    boost::asio::thread_pool& administration_pool;  ///< of one thread: `administration` is used there alone
    boost::asio::thread_pool& readers_pool;
    boost::asio::thread_pool& passwords_pool;  ///< its threads bound how many passwords are hashed at once
    Administration& administration;
    ConfigHandle& config;
    HistoryConnections& history;  ///< asked on the readers' threads
    const TaskFolders& folders;
    Clock& clock;
    const StatusSource& status;
    SetupCode& setup_code;
    EventHub& events;
    Control& control;
    ModuleControl& modules;
    Operations& operations;
    SystemInfo system;
    Log log;
    secrets::HashCost hash_cost = {};
    std::shared_ptr<SignInWatch> sign_in_watch = std::make_shared<SignInWatch>();
    std::shared_ptr<const LogRing> recent_log = {};  ///< null: no operation shows the log
    /// Told of each change that was saved, on the administration's thread.
    std::function<void(const std::string& user, const ConfigChange& change)> configuration_changed = {};
};

/// Everything below /api/v1. Each route declares who may call it and is described in /api/v1/openapi.json.
void add_api_routes(Routes& routes, ApiServices services);

}  // namespace quicksilver
