#pragma once

#include "quicksilver/http/control.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace quicksilver::test {

/// A pipeline that notes what it was told, and knows the studies and tasks that the test says.
struct FakeControl final : Control {
    using Answer = boost::asio::awaitable<Result<void>>;

    Answer pause(Stage stage, PauseOrder order) override {
        orders.push_back(order);
        return note("pause " + name_of(stage));
    }
    Answer resume(Stage stage) override { return note("resume " + name_of(stage)); }
    std::vector<CollectedStudyView> studies() const override { return collected; }
    Answer complete_study(std::string id) override { return on_study("complete", id); }
    Answer discard_study(std::string id) override { return on_study("discard", id); }
    Answer extend_study(std::string id) override { return on_study("extend", id); }

    Answer act_on_target(TargetAction action, std::string target) override {
        static constexpr const char* names[] = {"pause", "resume", "drain", "retry"};
        return note(fmt::format("{} {}", names[static_cast<int>(action)], target));
    }
    boost::asio::awaitable<Result<Steps>> test_target(std::string target, Stop stop, StepObserver on_step) override {
        test_stop = std::move(stop);
        return run_steps("test " + target, std::move(on_step));
    }
    boost::asio::awaitable<Result<Steps>> test_unsaved_target(std::string document, std::string target, Stop stop,
                                                              StepObserver on_step) override {
        test_stop = std::move(stop);
        unsaved = nlohmann::json::parse(document).at("targets").at(target);
        return run_steps("test unsaved " + target, std::move(on_step));
    }
    Answer act_on_task(TaskAction action, std::string task_id) override {
        static constexpr const char* names[] = {"cancel",    "send missing", "send all",
                                                "put first", "process",      "deliver"};
        return on_task(names[static_cast<int>(action)], task_id);
    }
    boost::asio::awaitable<Result<std::string>> send_task(std::string task_id,
                                                          std::vector<std::string> targets) override {
        const Result<void> known = co_await on_task(fmt::format("send to {}", fmt::join(targets, "+")), task_id);
        if (!known) co_return known.error();
        co_return task_id + "-copy";
    }
    using Names = Result<std::vector<std::string>>;
    boost::asio::awaitable<Names> hold_series(SeriesChoice series, std::string user) override {
        const Result<void> done = co_await on_series(fmt::format("hold for {}", user), series);
        if (!done) co_return done.error();
        auto all = std::make_shared<Holds>(*held);
        all->insert_or_assign(series.series_uid, Hold{user, "2026-11-22T10:00:00.000Z"});
        held = std::move(all);
        co_return series.tasks;
    }
    boost::asio::awaitable<Names> release_series(SeriesChoice series) override {
        const Result<void> done = co_await on_series("release", series);
        if (!done) co_return done.error();
        co_return series.tasks;
    }
    std::shared_ptr<const Holds> holds() const override { return held; }
    boost::asio::awaitable<Result<std::string>> route_series(SeriesChoice series, std::string rule) override {
        if (rule.empty()) rule = "all";
        const Result<void> done = co_await on_series("route by " + rule, series);
        if (!done) co_return done.error();
        co_return "task-again";
    }
    Answer remove_task(std::string task_id) override { return on_task("remove", task_id); }
    boost::asio::awaitable<std::vector<CleaningItem>> clean(bool remove) override {
        told.push_back(remove ? "clean" : "preview");
        co_return to_clean;
    }

    std::vector<CollectedStudyView> collected;
    std::vector<std::string> tasks;  ///< that exist
    std::vector<CleaningItem> to_clean;
    std::shared_ptr<const Holds> held = std::make_shared<Holds>();
    Steps steps = {{"dns", true, std::chrono::milliseconds(3), "10.0.0.1", ""}};
    std::vector<std::string> told;
    std::vector<PauseOrder> orders;
    nlohmann::json unsaved;
    Stop test_stop;             ///< of the last test of a target
    bool test_goes_on = false;  ///< until it is stopped

private:
    static std::string name_of(Stage stage) {
        static constexpr const char* names[] = {"receive", "route", "process", "dispatch"};
        return names[static_cast<int>(stage)];
    }
    Answer note(std::string what) {
        told.push_back(what);
        co_return Result<void>();
    }
    Answer on_study(std::string what, std::string id) {
        told.push_back(what + " " + id);
        for (const CollectedStudyView& study : collected) {
            if (study.id == id) co_return Result<void>();
        }
        co_return Error{Errc::not_found, "There is no such study."};
    }
    Answer on_task(std::string what, std::string id) {
        if (std::ranges::find(tasks, id) == tasks.end()) co_return Error{Errc::not_found, "there is no task " + id};
        told.push_back(what + " " + id);
        co_return Result<void>();
    }
    /// Those without tasks are gone.
    Answer on_series(std::string what, SeriesChoice series) {
        if (series.tasks.empty()) co_return Error{Errc::not_found, "there is no series " + series.series_uid};
        told.push_back(
            fmt::format("{} {} of {}: {}", what, series.series_uid, series.study_uid, fmt::join(series.tasks, "+")));
        co_return Result<void>();
    }
    boost::asio::awaitable<Result<Steps>> run_steps(std::string what, StepObserver on_step) {
        told.push_back(what);
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
        while (test_goes_on && !test_stop->load()) {
            timer.expires_after(std::chrono::milliseconds(1));
            co_await timer.async_wait(boost::asio::use_awaitable);
        }
        for (const TargetTestStep& step : steps) on_step(step);
        co_return steps;
    }
};

}  // namespace quicksilver::test
