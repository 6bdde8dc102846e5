#include "quicksilver/pipeline/priority_order.hpp"

#include "support/catch.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

using namespace quicksilver;

namespace {

WallTime at(int second) {
    return WallTime(std::chrono::seconds(1'790'000'000 + second));
}

struct Entry {
    const char* name;
    Priority priority;
    int second;
};

constexpr auto urgent = Priority::urgent;
constexpr auto normal = Priority::normal;
constexpr auto offpeak = Priority::offpeak;

PriorityQueue<std::string> queue_of(const std::vector<Entry>& entries) {
    PriorityQueue<std::string> queue;
    for (const Entry& entry : entries) queue.push(entry.name, entry.priority, at(entry.second));
    return queue;
}

std::string order_of(PriorityQueue<std::string>& queue, bool offpeak_now) {
    std::string names;
    while (const auto next = queue.pop(offpeak_now)) names += *next + ' ';
    return names;
}

RuleConfig rule(const char* name, Priority priority) {
    RuleConfig made;
    made.name = name;
    made.priority = priority;
    return made;
}

}  // namespace

TEST_CASE("Waiting tasks go by class, and within a class by time", "[pipeline][priority]") {
    struct Case {
        const char* what;
        std::vector<Entry> waiting;
        bool offpeak_now;
        const char* order;
    };
    const Case cases[] = {
        {"nothing", {}, true, ""},
        {"by time, not by arrival", {{"b", normal, 2}, {"a", normal, 1}, {"c", normal, 3}}, false, "a b c "},
        {"equal times by arrival", {{"b", normal, 1}, {"a", normal, 1}}, false, "b a "},
        {"two urgent, one normal",
         {{"n1", normal, 1},
          {"n2", normal, 2},
          {"u1", urgent, 3},
          {"u2", urgent, 4},
          {"u3", urgent, 5},
          {"u4", urgent, 6}},
         false,
         "u1 u2 n1 u3 u4 n2 "},
        {"only urgent",
         {{"u1", urgent, 1}, {"u2", urgent, 2}, {"u3", urgent, 3}, {"u4", urgent, 4}},
         false,
         "u1 u2 u3 u4 "},
        {"off-peak waits for its hours", {{"o", offpeak, 1}, {"n", normal, 2}, {"u", urgent, 3}}, false, "u n "},
        {"off-peak in its hours goes by time with the normal ones",
         {{"o1", offpeak, 1}, {"n1", normal, 2}, {"o2", offpeak, 3}, {"n2", normal, 4}},
         true,
         "o1 n1 o2 n2 "},
        {"off-peak in its hours gets the third turn too",
         {{"o1", offpeak, 1}, {"u1", urgent, 2}, {"u2", urgent, 3}, {"u3", urgent, 4}},
         true,
         "u1 u2 o1 u3 "},
    };
    for (const Case& c : cases) {
        CAPTURE(c.what);
        auto queue = queue_of(c.waiting);
        CHECK(order_of(queue, c.offpeak_now) == c.order);
    }
}

TEST_CASE("However many urgent tasks keep coming, the others get every third turn", "[pipeline][priority]") {
    auto queue = queue_of({{"n1", normal, 1}, {"n2", normal, 2}, {"n3", normal, 3}});
    int turns_until_all_normal = 0;
    for (int normal_left = 3; normal_left > 0; ++turns_until_all_normal) {
        queue.push("u", urgent, at(10 + turns_until_all_normal));
        if (queue.pop(false)->front() == 'n') --normal_left;
    }
    CHECK(turns_until_all_normal == 9);
}

TEST_CASE("However many normal tasks keep coming, an off-peak one has its turn in its hours", "[pipeline][priority]") {
    auto queue = queue_of({{"n1", normal, 1}, {"o", offpeak, 2}});
    queue.push("n3", normal, at(3));
    CHECK(queue.pop(true) == "n1");
    queue.push("n4", normal, at(4));
    CHECK(queue.pop(true) == "o");
}

TEST_CASE("Urgent turns that nobody contested do not count against the urgent ones", "[pipeline][priority]") {
    auto queue = queue_of({{"u1", urgent, 1}, {"u2", urgent, 2}});
    CHECK(queue.pop(false) == "u1");
    CHECK(queue.pop(false) == "u2");
    queue.push("n", normal, at(3));
    queue.push("u3", urgent, at(4));
    CHECK(order_of(queue, false) == "u3 n ");
}

TEST_CASE("A task that a person put first goes before all, at any hour", "[pipeline][priority]") {
    auto queue = queue_of({{"u", urgent, 1}, {"n1", normal, 2}, {"n2", normal, 3}, {"o", offpeak, 4}});
    CHECK(queue.put_first([](const std::string& name) { return name == "o"; }) == 1);
    CHECK(queue.put_first([](const std::string& name) { return name == "n2"; }) == 1);
    CHECK(queue.put_first([](const std::string& name) { return name == "absent"; }) == 0);
    CHECK(queue.size() == 4);
    CHECK(order_of(queue, false) == "o n2 u n1 ");
}

TEST_CASE("A removed task is not handed out, whatever its class", "[pipeline][priority]") {
    auto queue = queue_of({{"u", urgent, 1}, {"n", normal, 2}, {"o", offpeak, 3}, {"f", normal, 4}});
    queue.put_first([](const std::string& name) { return name == "f"; });
    for (const char* name : {"u", "n", "o", "f"}) {
        CAPTURE(name);
        CHECK(queue.remove_if([name](const std::string& item) { return item == name; }) == 1);
    }
    CHECK(queue.empty());
}

TEST_CASE("The priority of a task is that of its rules", "[pipeline][priority]") {
    Config config;
    config.rules = {rule("fast", urgent), rule("plain", normal), rule("night", offpeak)};
    struct Case {
        const char* applied;
        std::vector<std::string> triggered;
        Priority priority;
    };
    const Case cases[] = {
        {"night", {"fast", "night"}, offpeak}, {"fast", {}, urgent},     {"", {"plain", "fast"}, urgent},
        {"", {"night", "plain"}, normal},      {"", {"night"}, offpeak}, {"", {}, normal},
    };
    for (const Case& c : cases) {
        CAPTURE(c.applied, c.triggered);
        TaskInfo info;
        info.applied_rule = c.applied;
        info.triggered_rules = c.triggered;
        CHECK(task_priority(info, config) == c.priority);
    }
}

TEST_CASE("A rule that was deleted while its tasks wait leaves them normal, not waiting for the night",
          "[pipeline][priority]") {
    TaskInfo pooled;
    pooled.triggered_rules = {"gone"};
    CHECK(task_priority(pooled, Config{}) == normal);
    TaskInfo applied;
    applied.applied_rule = "gone";
    CHECK(task_priority(applied, Config{}) == normal);
}

TEST_CASE("Off-peak hours are those of the configuration", "[pipeline][priority]") {
    Config config;
    const WallTime now = at(0);
    const int minute = local_minute_of_day(now);
    const auto text = [](int of_day) {
        const int wrapped = (of_day + 1440) % 1440;
        return fmt::format("{:02}:{:02}", wrapped / 60, wrapped % 60);
    };
    config.cleaner.offpeak_start = text(minute - 1);
    config.cleaner.offpeak_end = text(minute + 1);
    CHECK(is_offpeak_time(config, now));
    config.cleaner.offpeak_start = text(minute + 1);
    config.cleaner.offpeak_end = text(minute + 2);
    CHECK_FALSE(is_offpeak_time(config, now));
}
