#include "quicksilver/pipeline/bookkeeper.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/store/retention_settings.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace quicksilver {

namespace {
constexpr auto pause_after_failure = std::chrono::seconds(5);
}

Bookkeeper::Bookkeeper(boost::asio::any_io_executor io, boost::asio::thread_pool& journal,
                       std::filesystem::path database, bool check_database, Clock& clock, Log log)
    : journal_pool_(journal),
      database_(std::move(database)),
      check_database_(check_database),
      clock_(clock),
      log_(std::move(log)),
      wakeup_(io, boost::asio::steady_timer::time_point::max()) {}

Bookkeeper::~Bookkeeper() = default;

void Bookkeeper::record(JournalEntry entry) {
    if (observer_) observer_(entry);
    if (pending_.size() >= pending_max) {
        if (dropped_++ == 0) log_.error("the database cannot be written for too long; entries are dropped");
        return;
    }
    pending_.push_back(std::move(entry));
    if (pending_.size() == 1 || pending_.size() == batch) wakeup_.cancel();
}

void Bookkeeper::task_event(const std::string& task_id, const char* sender, TaskEventType event,
                            std::uint64_t file_count, std::string target, std::string info) {
    journal::TaskEvent entry;
    entry.time = clock_.wall_now();
    entry.task_id = task_id;
    entry.sender = sender;
    entry.event = event;
    entry.file_count = file_count;
    entry.target = std::move(target);
    entry.info = std::move(info);
    record(std::move(entry));
}

void Bookkeeper::server_event(const char* sender, MercureEventType event, Severity severity, std::string description) {
    journal::MercureEvent entry;
    entry.time = clock_.wall_now();
    entry.sender = sender;
    entry.event = event;
    entry.severity = severity;
    entry.description = std::move(description);
    record(std::move(entry));
}

boost::asio::awaitable<void> Bookkeeper::make_database() {
    auto make = [this]() -> Result<void> {
        std::error_code ignored;
        return std::filesystem::exists(database_, ignored) ? Result<void>() : open_database();
    };
    const Result<void> made = co_await run_blocking(journal_pool_, make);
    if (!made) log_.error("cannot make the database; images are not affected", kv("reason", made.error().message));
}

/// On the journal's thread.
Result<void> Bookkeeper::open_database() {
    if (journal_) return {};
    auto opened = Journal::open(database_, check_database_);
    if (!opened) return opened.error();
    journal_ = std::move(*opened);
    if (auto notice = journal_->take_notice()) log_.warn(*notice);
    return {};
}

boost::asio::awaitable<void> Bookkeeper::run() {
    boost::system::error_code ignored;
    for (;;) {
        while (pending_.empty()) {
            wakeup_.expires_at(boost::asio::steady_timer::time_point::max());
            co_await wakeup_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
            const auto state = co_await boost::asio::this_coro::cancellation_state;
            if (state.cancelled() != boost::asio::cancellation_type::none) co_return;
        }
        if (pending_.size() < batch) {
            // Others follow closely, as a rule; a full batch cuts this short.
            wakeup_.expires_after(interval);
            co_await wakeup_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        }
        if (!co_await write_pending()) co_await clock_.wait_for(pause_after_failure);
        const auto state = co_await boost::asio::this_coro::cancellation_state;
        if (state.cancelled() != boost::asio::cancellation_type::none) co_return;
    }
}

boost::asio::awaitable<void> Bookkeeper::prune(std::function<std::chrono::duration<double>()> kept,
                                               FolderIsHere is_here) {
    for (;;) {
        co_await clock_.wait_for(RetentionSettings::interval);
        const auto age = kept();
        if (age.count() <= 0) continue;
        const WallTime before = clock_.wall_now() - std::chrono::duration_cast<WallTime::duration>(age);
        co_await prune_once(before, is_here);
    }
}

boost::asio::awaitable<void> Bookkeeper::prune_once(WallTime before, const FolderIsHere& is_here) {
    constexpr std::size_t rows_at_once = 50;
    HistoryPruning round;
    auto remove = [&]() -> Result<HistoryPruning> {
        if (auto opened = open_database(); !opened) return opened.error();
        return journal_->prune(before, round, rows_at_once, is_here);
    };
    while (!round.is_done) {
        Result<HistoryPruning> piece = co_await run_blocking(journal_pool_, remove);
        if (!piece) {
            log_.warn("old history cannot be removed", kv("reason", piece.error().message));
            co_return;
        }
        round = *std::move(piece);
        co_await clock_.wait_for(pause_between_pieces);
    }
    if (round.series + round.rows == 0) co_return;
    log_.info("old history removed", kv("series", round.series), kv("other_rows", round.rows),
              kv("before", rfc3339(before)));
}

boost::asio::awaitable<void> Bookkeeper::close() {
    if (!pending_.empty()) co_await write_pending();
    auto close_database = [this] { journal_.reset(); };
    co_await run_blocking(journal_pool_, close_database);
}

boost::asio::awaitable<bool> Bookkeeper::write_pending() {
    std::vector<JournalEntry> entries = std::move(pending_);
    pending_.clear();
    auto write = [this, &entries]() -> Result<void> {
        if (auto opened = open_database(); !opened) return opened;
        return journal_->write(entries);
    };
    const Result<void> written = co_await run_blocking(journal_pool_, write);
    if (written) {
        written_ += entries.size();
        if (failing_) log_.info("the database can be written again", kv("entries", entries.size()));
        failing_ = false;
        co_return true;
    }
    if (!failing_)
        log_.error("cannot write the database; images are not affected", kv("reason", written.error().message));
    failing_ = true;
    // What came meanwhile is newer.
    entries.insert(entries.end(), std::make_move_iterator(pending_.begin()), std::make_move_iterator(pending_.end()));
    pending_ = std::move(entries);
    co_return false;
}

}  // namespace quicksilver
