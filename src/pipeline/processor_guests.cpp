// Runs that are no task's, and people who change what modules keep: both take slots. The queue is in processor.cpp.
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/module_trial.hpp"
#include "quicksilver/pipeline/processor.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "processor_parts.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace quicksilver {

namespace asio = boost::asio;

/// Also once a runner has ended what earlier starts left, whose modules may have been writing there.
asio::awaitable<void> Processor::clear_trials() {
    const auto config = context_.config();
    auto clear = [this, &config] {
        return ModuleTrial::remove_leftovers(context_.folders.ops(), config->folders.jobs);
    };
    const Result<void> cleared = co_await run_blocking(context_.files, clear);
    if (!cleared) context_.log.warn("test runs of modules left files", kv("reason", cleared.error().message));
}

/// Gives the slots of one guest, if one may run now. Somebody waits for it, so it goes before all tasks.
bool Processor::admit_guest() {
    for (const auto& guest : guests_) {
        if (guest->admitted || guest->control->flag() || !may_start(guest->runner, guest->needs)) continue;
        slots_.take(guest->needs);
        ++running_;
        guest->admitted = true;
        guest->wakeup.cancel();
        return true;
    }
    return false;
}

asio::awaitable<Result<std::shared_ptr<const void>>> Processor::take_turn(RunId id, SlotNeeds needs, std::string runner,
                                                                          std::shared_ptr<RunControl> control) {
    using Turn = std::shared_ptr<const void>;
    const auto guest =
        std::make_shared<Guest>(context_.io, std::move(id), std::move(needs), std::move(runner), std::move(control));
    struct Leave {
        Processor& processor;
        std::shared_ptr<Guest> guest;
        Leave(Processor& from, std::shared_ptr<Guest> who) : processor(from), guest(std::move(who)) {}
        Leave(const Leave&) = delete;
        Leave& operator=(const Leave&) = delete;
        ~Leave() {
            std::erase(processor.guests_, guest);
            if (!guest->admitted) return;
            processor.slots_.give_back(guest->needs);
            --processor.running_;
            processor.wake();
            processor.start_tasks();
        }
    };
    guests_.push_back(guest);
    const Turn turn = std::make_shared<const Leave>(*this, guest);
    if (closed_) guest->control->interrupt(Interruption::cancelled);
    start_tasks();
    while (!guest->admitted && !guest->control->flag()) {
        boost::system::error_code ignored;  // the timer never expires: waking up is always a "cancel"
        co_await guest->wakeup.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) break;
    }
    if (!guest->admitted) co_return Error{Errc::cancelled, "ended while it waited for its turn"};
    co_return turn;
}

bool Processor::uses_persistence(const std::string& folder) const {
    SlotNeeds needs;
    needs.persistence = folder;
    if (!slots_.fits(needs, 0)) return true;
    // A run that an earlier start of the server has begun takes its slots when its runner is asked.
    return std::any_of(tasks_.begin(), tasks_.end(), [&folder](const auto& entry) {
        const Task& task = *entry.second;
        const bool has_begun = task.progress && task.state != Task::State::leaving && task.state != Task::State::stuck;
        return has_begun && task.needs.persistence == folder;
    });
}

Result<std::shared_ptr<const void>> Processor::hold_persistence(const std::string& folder) {
    settled_ = settled_ || (looked_ && std::none_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
                                return entry.second->state == Task::State::loading;
                            }));
    if (closed_ || !settled_) {
        return Error{Errc::busy, "the server starts or stops, and modules may still run; try again"};
    }
    if (uses_persistence(folder)) {
        return Error{Errc::busy, fmt::format("a module runs that uses the folder {}; wait until it has ended", folder)};
    }
    struct Held {
        Processor& processor;
        SlotNeeds needs;
        Held(Processor& of, SlotNeeds what) : processor(of), needs(std::move(what)) { processor.slots_.take(needs); }
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held() {
            processor.slots_.give_back(needs);
            processor.wake();
            processor.start_tasks();
        }
    };
    SlotNeeds needs;
    needs.persistence = folder;
    return std::shared_ptr<const void>(std::make_shared<const Held>(*this, std::move(needs)));
}

}  // namespace quicksilver
