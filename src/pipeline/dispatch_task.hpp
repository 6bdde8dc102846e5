#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace quicksilver {

/// One target of a task. Each has its own attempts and ends by itself; none waits for another.
struct Dispatcher::Share {
    enum class State {
        waiting,   ///< in the queue of `via`
        sending,   ///< to `via`
        noting,    ///< its failure is being written down
        retrying,  ///< until its next attempt
        complete,
        failed,  ///< given up
    };

    std::string target;
    State state = State::waiting;
    std::string via;              ///< where it goes: the target itself, one of its failover list, or a group's member
    std::set<std::string> tried;  ///< of this attempt: could not be reached
    bool unreachable = false;     ///< why it is retrying: nobody could be reached
    bool ahead_of_time = false;   ///< tried before it was due, so a failure does not count
    WallTime due;                 ///< of the next attempt
    SteadyTime wake_at{};         ///< the same by the steady clock
    std::optional<SteadyTime> sleeper;  ///< when the one wakes who sleeps for it; nothing when nobody does
    std::shared_ptr<StopFlag> stop;     ///< while sending
};

/// A task in outgoing/, from the moment that we know of it until it has left.
struct Dispatcher::Task {
    enum class State { loading, delivering, leaving, stuck };

    std::string id;
    std::filesystem::path folder;
    State state = State::loading;
    SteadyTime known_since;
    WallTime since;  ///< its place in the queues: when its folder was made or last touched
    TaskFile file;
    std::size_t instances = 0;  ///< how many; their names are read when they are sent, for thousands of tasks may wait
    std::map<std::string, Share> shares;  ///< by target
    bool cancelled = false;
    bool saving = false;   ///< task.json is being written
    bool unsaved = false;  ///< and has changed since

    bool is_sending() const {
        return std::ranges::any_of(shares,
                                   [](const auto& entry) { return entry.second.state == Share::State::sending; });
    }
    bool has_ended() const {
        return std::ranges::all_of(shares, [](const auto& entry) {
            return entry.second.state == Share::State::complete || entry.second.state == Share::State::failed;
        });
    }
};

}  // namespace quicksilver
