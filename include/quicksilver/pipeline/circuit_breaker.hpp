#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"

namespace quicksilver {

/// When a target counts as down, and how often to look whether it is back.
struct CircuitPlan {
    unsigned failures = 3;  ///< connections in a row that failed
    Seconds first_probe{5};
    Seconds longest_probe{300};
    double growth = 2;
};

/// The plan that suits a target's retries: looking for it should not take longer than waiting for the next attempt.
CircuitPlan circuit_plan(const RetryConfig& retry);

/// Whether a target can be reached. While it cannot, nobody runs into its time-outs: one probe looks for it at growing
/// intervals, then one delivery tries it, and only when that got through the others follow. Pure.
class CircuitBreaker {
public:
    enum class State {
        closed,  ///< deliver
        open,    ///< do not deliver; probe
        trial,   ///< it answered a probe; one delivery may try
    };

    explicit CircuitBreaker(CircuitPlan plan = {}) : plan_(plan) {}

    State state() const { return state_; }
    /// A delivery could not reach the target, or lost it on the way. True when that opened the circuit.
    bool lost(SteadyTime now);
    /// A delivery got through, whatever the target answered. True when the target had been down.
    bool reached();

    /// Whether it is time for a probe.
    bool wants_probe(SteadyTime now) const { return state_ == State::open && now >= next_probe_; }
    void probe_failed(SteadyTime now);
    void probe_answered();
    /// Somebody changed something: look at once, and often at first.
    void look_again(SteadyTime now);
    /// While open.
    SteadyTime next_probe() const { return next_probe_; }
    void set_plan(CircuitPlan plan) { plan_ = plan; }

private:
    void open(SteadyTime now);

    CircuitPlan plan_;
    State state_ = State::closed;
    unsigned failures_ = 0;
    Seconds interval_{0};
    SteadyTime next_probe_;
};

}  // namespace quicksilver
