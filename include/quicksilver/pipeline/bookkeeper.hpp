#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/store/journal.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quicksilver {

/// Writes down what happened, in batches, on a thread of its own. Losing it loses no image, so nobody waits for it and
/// nobody fails because of it: when the database cannot be written, entries are kept up to a limit, then dropped.
/// Io thread only.
class Bookkeeper {
public:
    /// `journal` is a pool of one thread.
    Bookkeeper(boost::asio::any_io_executor io, boost::asio::thread_pool& journal, std::filesystem::path database,
               bool check_database, Clock& clock, Log log);
    ~Bookkeeper();

    void record(JournalEntry entry);
    /// Told of each entry before it is written, for the live view. Before run().
    void set_observer(std::function<void(const JournalEntry&)> observer) { observer_ = std::move(observer); }

    /// The two that stages record most. `sender` as mercure: "router.main".
    void task_event(const std::string& task_id, const char* sender, TaskEventType event, std::uint64_t file_count,
                    std::string target, std::string info);
    void server_event(const char* sender, MercureEventType event, Severity severity, std::string description);

    /// Makes the database when there is none yet, so that who reads it finds one. Before run().
    boost::asio::awaitable<void> make_database();
    /// Writes until cancelled.
    boost::asio::awaitable<void> run();
    /// Removes what is older than `kept` says, in small pieces, now and then, until cancelled; 0: nothing.
    boost::asio::awaitable<void> prune(std::function<std::chrono::duration<double>()> kept, FolderIsHere is_here);
    /// The last batch, then closes the database. After run() has ended.
    boost::asio::awaitable<void> close();

    std::size_t pending() const { return pending_.size(); }
    std::uint64_t written() const { return written_; }
    std::uint64_t dropped() const { return dropped_; }

    static constexpr std::size_t batch = 500;            ///< entries that do not wait for the interval
    static constexpr std::size_t pending_max = 200'000;  ///< kept while the database cannot be written
    static constexpr std::chrono::milliseconds interval{200};
    static constexpr std::chrono::milliseconds pause_between_pieces{50};

private:
    boost::asio::awaitable<bool> write_pending();
    boost::asio::awaitable<void> prune_once(WallTime before, const FolderIsHere& is_here);
    Result<void> open_database();

    boost::asio::thread_pool& journal_pool_;
    std::filesystem::path database_;
    bool check_database_;
    Clock& clock_;
    Log log_;
    std::unique_ptr<Journal> journal_;  // used by the journal pool only
    std::function<void(const JournalEntry&)> observer_;
    std::vector<JournalEntry> pending_;
    boost::asio::steady_timer wakeup_;  // expires when there is something to write
    std::uint64_t written_ = 0;
    std::uint64_t dropped_ = 0;
    bool failing_ = false;
};

}  // namespace quicksilver
