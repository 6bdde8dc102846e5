#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/core/log.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/thread_pool.hpp>

#include <functional>
#include <memory>

namespace quicksilver {

class Bookkeeper;
class TaskFolders;

/// The configuration that counts now. Any thread.
using ConfigSource = std::function<std::shared_ptr<const Config>()>;

/// What every stage needs. The composition root owns all of it, and it outlives the stages.
struct StageContext {
    boost::asio::any_io_executor io;
    boost::asio::thread_pool& files;  ///< for work that blocks on the disk
    Clock& clock;
    ConfigSource config;
    const TaskFolders& folders;
    Bookkeeper& books;
    Log log;
};

}  // namespace quicksilver
