// Which task runs next, and which wait.
#include "quicksilver/pipeline/processor.hpp"

#include "processor_fixture.hpp"

#include <algorithm>
#include <mutex>

using namespace quicksilver;

namespace {

struct Fixture : test::ProcessorFixture {
    std::mutex mutex;
    std::vector<std::string> order;  // of the tasks whose module ran

    Fixture() {
        reconfigure([](Config& changed) { changed.document["processing"]["max_parallel"] = 1; });
        runner->module = [this](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
            {
                const std::lock_guard lock(mutex);
                order.push_back(run.id.task);
            }
            return test::ScriptedRunner::copy_images(run, control, progress);
        };
    }
    void add_rule(const std::string& name, Priority priority) {
        reconfigure([&](Config& changed) {
            RuleConfig rule;
            rule.name = name;
            rule.priority = priority;
            changed.rules.push_back(rule);
        });
    }
    std::string add_task_of(const std::string& rule) {
        const std::string id = add_task();
        const auto folder = folders.path(Stage::processing, id);
        TaskFile task = read_task_file(folder).value();
        task.info.applied_rule = rule;
        REQUIRE(write_task_file(ops, folder, task));
        return id;
    }
    bool is_done(std::size_t tasks) const { return processor->status().completed_total == tasks; }
};

}  // namespace

TEST_CASE("Of those that wait, two urgent tasks go for one other", "[pipeline][processor]") {
    Fixture f;
    f.add_rule("urgent", Priority::urgent);
    REQUIRE(f.folders.set_halted(Stage::processing, true));
    for (const char* rule : {"rule", "rule", "urgent", "urgent", "urgent"}) f.add_task_of(rule);
    f.pass_until([&] { return f.processor->status().waiting == 5; });
    REQUIRE(f.folders.set_halted(Stage::processing, false));
    f.pass_until([&] { return f.is_done(5); });
    CHECK(f.order == std::vector<std::string>{"task-3", "task-4", "task-1", "task-5", "task-2"});
}

TEST_CASE("Tasks of off-peak rules wait for their hours", "[pipeline][processor]") {
    Fixture f;
    f.add_rule("night", Priority::offpeak);
    f.reconfigure([](Config& changed) { changed.cleaner.offpeak_start = changed.cleaner.offpeak_end = "00:00"; });
    const std::string night = f.add_task_of("night");
    const std::string day = f.add_task();
    f.pass_until([&] { return f.is_in(Stage::outgoing, day); });
    CHECK(f.processor->status().waiting == 1);
    CHECK_FALSE(f.is_in(Stage::outgoing, night));
    f.reconfigure([](Config& changed) { changed.cleaner.offpeak_end = "23:59"; });
    f.pass_until([&] { return f.is_in(Stage::outgoing, night); });
}

TEST_CASE("Modules wait until there are as many graphics processors as they need", "[pipeline][processor]") {
    Fixture f;
    f.reconfigure([](Config& changed) {
        changed.document["processing"]["max_parallel"] = 4;
        changed.document["processing"]["gpus"] = 2;
    });
    std::atomic<int> used{0}, most{0};
    f.runner->module = [&](const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
        const int needs = run.config.value("gpus", 0);
        most = std::max(most.load(), used += needs);
        std::this_thread::yield();
        auto end = test::ScriptedRunner::copy_images(run, control, progress);
        used -= needs;
        return end;
    };
    for (const int gpus : {1, 2, 1, 1, 2, 0}) f.add_task({{{"gpus", gpus}}});
    f.pass_until([&] { return f.is_done(6); });
    CHECK(most == 2);
}
