#pragma once

#include "quicksilver/pipeline/circuit_breaker.hpp"
#include "quicksilver/pipeline/dispatcher.hpp"
#include "quicksilver/pipeline/priority_order.hpp"

#include <string>

namespace quicksilver {

/// What waits for one target, and how that target stands.
struct Dispatcher::TargetQueue {
    struct Entry {
        TaskPtr task;
        std::string share;  ///< the target of the task that this serves; not always this queue's
    };

    PriorityQueue<Entry> waiting;
    PriorityQueue<Entry> held;  ///< came after a drain began
    std::size_t in_flight = 0;
    CircuitBreaker breaker;
    std::string down_because;
    bool is_down = false;  ///< said in the log, until it is back
    bool probing = false;
    bool is_at_rest = true;  ///< keeps no connections
    bool paused = false;
    bool draining = false;
    TargetState totals;

    PriorityQueue<Entry>& line() { return draining ? held : waiting; }
    std::size_t tasks() const { return waiting.size() + held.size() + in_flight; }
};

}  // namespace quicksilver
