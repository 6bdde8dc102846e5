#include "quicksilver/http/operations.hpp"

#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/http/event_hub.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace quicksilver {

namespace asio = boost::asio;
using nlohmann::json;

std::string_view to_string(Operations::State state) {
    switch (state) {
        case Operations::State::running:
            return "running";
        case Operations::State::done:
            return "done";
        case Operations::State::failed:
            return "failed";
        case Operations::State::cancelled:
            return "cancelled";
    }
    return "unknown";
}

std::string_view problem_code(Errc code) {
    switch (code) {
        case Errc::not_found:
            return "not_found";
        case Errc::busy:
        case Errc::refused:
        case Errc::already_exists:
            return "state";
        case Errc::invalid:
            return "invalid";
        case Errc::cancelled:
            return "cancelled";
        default:
            return "unavailable";
    }
}

void Operations::Operation::set_total(std::uint64_t total, std::string unit) {
    total_ = total;
    unit_ = std::move(unit);
}

void Operations::Operation::advance(std::uint64_t by) {
    done_ += by;
    tell_();
}

void Operations::Operation::set_progress(std::uint64_t done, std::uint64_t total, std::string unit) {
    done_ = done;
    set_total(total, std::move(unit));
    tell_();
}

void Operations::Operation::cancel() {
    if (cancelled_) return;
    cancelled_ = true;
    if (stop_) stop_();
}

void Operations::Operation::on_cancel(std::function<void()> stop) {
    stop_ = std::move(stop);
    if (cancelled_) stop_();
}

void Operations::Operation::add_step(json step) {
    if (steps_.size() < steps_max) steps_.push_back(std::move(step));
    tell_();
}

json Operations::Operation::view() const {
    const bool ended = state_ != State::running;
    return {{"id", id_},
            {"kind", kind_},
            {"object", object_},
            {"state", to_string(state_)},
            {"started_at", rfc3339(started_)},
            {"ended_at", ended ? json(rfc3339(ended_)) : json()},
            {"progress", {{"done", done_}, {"total", total_}, {"unit", unit_}}},
            {"steps", steps_},
            {"result", result_},
            {"problem", problem_}};
}

Operations::Operations(asio::any_io_executor io, const Clock& clock, EventHub& events, Log log)
    : clock_(clock),
      events_(events),
      log_(std::move(log)),
      working_(std::move(io), [this](const std::string& id, const std::exception_ptr&) {
          log_.error("an operation ended unexpectedly", kv("operation", id));
      }) {}

Result<std::shared_ptr<const Operations::Operation>> Operations::begin(std::string kind, std::string object,
                                                                       std::string owner, Work work) {
    forget_old();
    if (stopped_ || working_.size() >= running_max) {
        return Error{Errc::busy, "Too many operations are running; wait until one of them has ended."};
    }
    auto operation = std::make_shared<Operation>();
    operation->id_ = make_task_id();
    operation->kind_ = std::move(kind);
    operation->object_ = std::move(object);
    operation->owner_ = std::move(owner);
    operation->started_ = clock_.wall_now();
    Operation& one = *operation;
    one.tell_ = [this, &one] { tell(one); };
    entries_.push_back(operation);
    working_.start(one.id_, run(operation, std::move(work)));
    return std::shared_ptr<const Operation>(operation);
}

std::shared_ptr<Operations::Operation> Operations::find(std::string_view id) {
    forget_old();
    const auto found = std::ranges::find(entries_, id, [](const Entry& entry) { return std::string_view(entry->id_); });
    return found == entries_.end() ? nullptr : *found;
}

asio::awaitable<void> Operations::run(Entry operation, Work work) {
    std::string thrown;
    Result<json> result = Error{Errc::io, ""};
    try {
        result = co_await work(*operation);
    } catch (const std::exception& failed) {
        thrown = failed.what();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        result = Error{Errc::cancelled, "The server is stopping."};
    } else if (!thrown.empty()) {
        log_.error("an operation failed", kv("operation", operation->id_), kv("reason", thrown));
        result = Error{Errc::io, "The server failed; its log has the reason under the operation's id."};
    }
    end(*operation, result);
}

void Operations::end(Operation& operation, const Result<json>& result) {
    operation.stop_ = nullptr;
    operation.ended_ = clock_.wall_now();
    operation.forget_at_ = clock_.now() + kept_for;
    operation.state_ = operation.cancelled_ ? State::cancelled : result ? State::done : State::failed;
    if (result) operation.result_ = *result;
    if (!result) {
        const Error& error = result.error();
        operation.problem_ = {{"code", problem_code(error.code)}, {"detail", error.message}};
        if (error.code == Errc::cancelled) operation.state_ = State::cancelled;
    }
    tell(operation);
}

/// The last step, not all of them: who wants more asks for the operation.
void Operations::tell(const Operation& operation) const {
    json data = {{"id", operation.id_},
                 {"kind", operation.kind_},
                 {"object", operation.object_},
                 {"state", to_string(operation.state_)},
                 {"progress", {{"done", operation.done_}, {"total", operation.total_}, {"unit", operation.unit_}}}};
    // A step is news of its own; of mere progress the last is enough.
    if (!operation.steps_.empty()) {
        data["step"] = operation.steps_.back();
        return events_.publish("operations", "operation", data);
    }
    events_.publish_latest("operation " + operation.id_, "operations", "operation", data);
}

void Operations::forget_old() {
    const SteadyTime now = clock_.now();
    std::erase_if(entries_, [now](const Entry& entry) { return entry->forget_at_ <= now; });
    while (entries_.size() > kept_max) {
        const auto ended = std::ranges::find_if(entries_, [](const Entry& e) { return e->state_ != State::running; });
        if (ended == entries_.end()) return;
        entries_.erase(ended);
    }
}

asio::awaitable<void> Operations::stop(std::chrono::milliseconds grace) {
    stopped_ = true;
    for (const Entry& entry : entries_) entry->cancel();
    working_.cancel();
    bool ended = co_await working_.join(grace);
    // Work on a pool cannot be cut off, and refers to what is destroyed after this.
    while (!ended) ended = co_await working_.join(std::chrono::seconds(1));
}

}  // namespace quicksilver
