#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config.hpp"
#include "quicksilver/store/task_file.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace quicksilver {

/// The priority of a task: its applied rule's, else that of the rules that wanted it (contract §7.1). Rules that are
/// gone count as normal, so a task never waits for the off-peak hours because somebody deleted its rule. Pure.
Priority task_priority(const TaskInfo& info, const Config& config);

/// Whether off-peak tasks may run at this time of day, by `offpeak_start` and `offpeak_end`.
bool is_offpeak_time(const Config& config, WallTime now);

/// Whose turn it is when urgent and other tasks wait: two urgent ones, then one of the others, so that neither starves.
/// Turns that nobody contested do not count. Pure but for remembering the last turns.
class UrgentTurns {
public:
    static constexpr unsigned urgent_in_a_row = 2;

    /// At least one of both waits. True when an urgent one is next.
    bool next_is_urgent(bool urgent_waits, bool others_wait) {
        if (!urgent_waits || !others_wait) return urgent_waits;
        if (taken_ == urgent_in_a_row) {
            taken_ = 0;
            return false;
        }
        ++taken_;
        return true;
    }

private:
    unsigned taken_ = 0;  // urgent turns since the others had one
};

/// Waiting tasks in mercure's order: urgent and normal in turns of two and one, each by time; off-peak ones only in the
/// off-peak hours, and then in one line with the normal ones, so that neither overtakes the other for ever. Those that
/// a person put first go before all, at any hour. Decides only; times and hours are the caller's.
template <class Item>
class PriorityQueue {
public:
    /// `since` orders tasks of a class; equal times go in the order in which they were pushed.
    void push(Item item, Priority priority, WallTime since) {
        waiting(priority).emplace(Key{since, ++pushed_}, std::move(item));
    }

    /// The next one, or nothing when none may run now.
    std::optional<Item> pop(bool offpeak_now) {
        if (!first_.empty()) return take(first_);
        Waiting& other = offpeak_now && is_sooner(offpeak_, normal_) ? offpeak_ : normal_;
        if (urgent_.empty() && other.empty()) return std::nullopt;
        return take(turns_.next_is_urgent(!urgent_.empty(), !other.empty()) ? urgent_ : other);
    }

    /// Puts those for which `is_meant(item)` holds before all others, behind the ones put first earlier. Returns how
    /// many.
    template <class Predicate>
    std::size_t put_first(Predicate is_meant) {
        std::size_t moved = 0;
        for (Waiting* line : {&urgent_, &normal_, &offpeak_}) {
            for (auto at = line->begin(); at != line->end();) {
                const auto next = std::next(at);
                if (is_meant(at->second)) {
                    // All of `first_` have the same time, so they keep the order in which they were put there.
                    auto node = line->extract(at);
                    node.key() = Key{WallTime{}, ++pushed_};
                    first_.insert(std::move(node));
                    ++moved;
                }
                at = next;
            }
        }
        return moved;
    }

    /// Returns how many were removed.
    template <class Predicate>
    std::size_t remove_if(Predicate is_meant) {
        const auto meant = [&is_meant](const auto& entry) { return is_meant(entry.second); };
        std::size_t removed = 0;
        for (Waiting* line : {&first_, &urgent_, &normal_, &offpeak_}) removed += std::erase_if(*line, meant);
        return removed;
    }

    template <class Visitor>
    void for_each(Visitor visit) const {
        for (const Waiting* line : {&first_, &urgent_, &normal_, &offpeak_}) {
            for (const auto& [key, item] : *line) visit(item);
        }
    }

    std::size_t size() const { return first_.size() + urgent_.size() + normal_.size() + offpeak_.size(); }
    bool empty() const { return size() == 0; }
    /// How many wait for the off-peak hours.
    std::size_t offpeak_size() const { return offpeak_.size(); }

private:
    using Key = std::pair<WallTime, std::uint64_t>;
    using Waiting = std::map<Key, Item>;

    Waiting& waiting(Priority priority) {
        return priority == Priority::urgent ? urgent_ : priority == Priority::offpeak ? offpeak_ : normal_;
    }
    static bool is_sooner(const Waiting& a, const Waiting& b) {
        return !a.empty() && (b.empty() || a.begin()->first < b.begin()->first);
    }
    static std::optional<Item> take(Waiting& line) {
        std::optional<Item> item(std::move(line.begin()->second));
        line.erase(line.begin());
        return item;
    }

    Waiting first_, urgent_, normal_, offpeak_;
    UrgentTurns turns_;
    std::uint64_t pushed_ = 0;
};

}  // namespace quicksilver
