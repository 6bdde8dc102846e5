#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/coroutine_group.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/result.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

namespace quicksilver {

class EventHub;

/// Work that outlasts the request that began it: somebody asks how far it is, or listens. Kept in memory for an hour
/// after its end, so a restart forgets it. Io thread only.
class Operations {
public:
    enum class State { running, done, failed, cancelled };

    /// One of them. What it shows to everybody who listens has no patient data; its result is for its owner.
    class Operation : public std::enable_shared_from_this<Operation> {
    public:
        void set_total(std::uint64_t total, std::string unit);
        void advance(std::uint64_t by = 1);
        /// For work whose whole is not known from the beginning.
        void set_progress(std::uint64_t done, std::uint64_t total, std::string unit);
        /// One more line of what has been found: `{"name","ok",…}`.
        void add_step(nlohmann::json step);
        /// Its owner wants it to end; asked between two pieces of work.
        bool is_cancelled() const { return cancelled_; }
        void cancel();
        /// For work on a pool: called when somebody wants it to end; at once, if that has been so already.
        void on_cancel(std::function<void()> stop);
        /// What it found may name patients, so its result is for who may see them.
        void hide_result_from_others() { names_patients_ = true; }
        bool names_patients() const { return names_patients_; }

        const std::string& id() const { return id_; }
        const std::string& owner() const { return owner_; }
        State state() const { return state_; }
        /// {"id","kind","object","state","started_at","ended_at","progress","steps","result","problem"}
        nlohmann::json view() const;

    private:
        friend class Operations;
        std::string id_, kind_, object_, owner_;
        State state_ = State::running;
        WallTime started_, ended_;
        SteadyTime forget_at_ = SteadyTime::max();
        std::uint64_t done_ = 0, total_ = 0;
        std::string unit_;
        nlohmann::json steps_ = nlohmann::json::array();
        nlohmann::json result_, problem_;
        bool cancelled_ = false;
        bool names_patients_ = false;
        std::function<void()> tell_, stop_;
    };

    /// Gives the result, or why there is none.
    using Work = std::function<boost::asio::awaitable<Result<nlohmann::json>>(Operation&)>;

    /// All outlive this.
    Operations(boost::asio::any_io_executor io, const Clock& clock, EventHub& events, Log log);

    /// `kind` and `object` tell people what it is: testTarget, pacs-1. `owner`: id of a user. Errc::busy when too many
    /// run, or the server stops.
    Result<std::shared_ptr<const Operation>> begin(std::string kind, std::string object, std::string owner, Work work);
    /// Null when there is none (any more).
    std::shared_ptr<Operation> find(std::string_view id);
    std::size_t running() const { return working_.size(); }

    /// Asks all to end and waits for them.
    boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

    static constexpr std::size_t running_max = 32;
    static constexpr std::size_t kept_max = 1000;
    static constexpr std::size_t steps_max = 1000;
    static constexpr std::chrono::minutes kept_for{60};

private:
    using Entry = std::shared_ptr<Operation>;
    boost::asio::awaitable<void> run(Entry operation, Work work);
    void end(Operation& operation, const Result<nlohmann::json>& result);
    void tell(const Operation& operation) const;
    void forget_old();

    const Clock& clock_;
    EventHub& events_;
    Log log_;
    std::list<Entry> entries_;  // oldest first
    bool stopped_ = false;
    CoroutineGroup working_;
};

/// running, done, failed, cancelled
std::string_view to_string(Operations::State state);

/// What an error of the pipeline is as a problem: `not_found`, `state`, `invalid`, `unavailable`.
std::string_view problem_code(Errc code);

}  // namespace quicksilver
