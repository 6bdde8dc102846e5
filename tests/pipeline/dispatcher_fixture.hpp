#pragma once

#include "quicksilver/pipeline/dispatcher.hpp"

#include "scripted_target.hpp"
#include "stage_fixture.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver::test {

/// A dispatcher with two scripted targets, `a` and `b`.
struct DispatcherFixture : StageFixture {
    Script script;
    TargetRegistry registry;
    boost::asio::thread_pool sends{8};
    CoroutineGroup group{io.get_executor(), nullptr};
    std::unique_ptr<Dispatcher> dispatcher;

    DispatcherFixture() {
        ScriptedTarget::register_in(registry, script);
        add_target("a");
        add_target("b");
        restart();
    }
    ~DispatcherFixture() {
        end();
        sends.join();
    }

    void add_target(const std::string& name, unsigned max_parallel = 1, RetryConfig retry = {Seconds(900), 5}) {
        TargetConfig target;
        target.name = name;
        target.type = "scripted";
        target.max_parallel = max_parallel;
        target.retry = retry;
        add_target(std::move(target));
    }
    void add_target(TargetConfig target) {
        const std::string name = target.name;
        reconfigure([&](Config& changed) {
            std::erase_if(changed.targets, [&](const TargetConfig& one) { return one.name == name; });
            changed.targets.push_back(target);
        });
    }

    void add_group(GroupChoice choose, std::vector<std::string> members) {
        TargetConfig made;
        made.name = "group";
        made.type = "group";
        made.members = std::move(members);
        made.choose = choose;
        add_target(std::move(made));
    }
    Dispatcher::TargetState state_of(const std::string& target) { return dispatcher->status().targets[target]; }
    /// What a person asked for, once it is done.
    template <class T>
    T ask(boost::asio::awaitable<T> question) {
        std::optional<T> answer;
        auto wait = [&]() -> boost::asio::awaitable<void> { answer.emplace(co_await std::move(question)); };
        run_coroutine(io, wait());
        return std::move(*answer);
    }

    /// A new dispatcher over the same folders, as after a crash.
    void restart() {
        end();
        dispatcher = std::make_unique<Dispatcher>(context(), sends, registry);
    }
    void run() { group.start("dispatcher", dispatcher->run()); }

    void end() {
        if (!dispatcher) return;
        run_handler(io, [this] {
            dispatcher->close();
            dispatcher->stop();
            group.cancel();
        });
        bool joined = false;
        auto join = [&]() -> boost::asio::awaitable<void> {
            joined = co_await dispatcher->join(std::chrono::seconds(10));
        };
        run_coroutine(io, join());
        CHECK(joined);
        run_until([&] { return group.empty(); });
        dispatcher.reset();
    }

    void make_task(const std::string& id, std::vector<std::string> targets, std::size_t instances = 2,
                   const std::function<void(TaskFile&)>& change = {}) {
        const auto folder = root / "files" / id;
        std::vector<std::filesystem::path> made;
        for (std::size_t i = 0; i < instances; ++i) {
            made.push_back(folder / ("1.2#" + std::to_string(i) + ".dcm"));
            write_file(made.back(), "image " + std::to_string(i));
        }
        TaskFile task;
        task.id = id;
        task.info.uid = "1.2";
        task.dispatch = make_task_dispatch(std::move(targets), clock.wall_now());
        if (change) change(task);
        if (!folders.make_task(Stage::outgoing, id, made, to_json_text(task))) throw std::runtime_error("no task");
    }

    bool is_in(Stage stage, const std::string& id) { return folders.exists(stage, id); }
    TaskFile task_in(Stage stage, const std::string& id) { return read_task_file(folders.path(stage, id)).value(); }
    void advance(std::chrono::nanoseconds by) {
        clock.advance(by);
        io.restart();
        io.poll();
    }
};

}  // namespace quicksilver::test
