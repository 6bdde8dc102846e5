#pragma once

#include "quicksilver/http/module_control.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quicksilver::test {

/// A container engine that notes what it was told. Io thread.
struct FakeModules final : ModuleControl {
    boost::asio::awaitable<Result<EngineImages>> images(bool) override {
        if (!away.empty()) co_return Error{Errc::busy, away};
        co_return known;
    }
    boost::asio::awaitable<Result<void>> pull_image(std::string image, Stop stop, Progress progress) override {
        told.push_back("pull " + image);
        if (!away.empty()) co_return Error{Errc::busy, away};
        progress(12, 40);
        while (endless && !*stop) co_await boost::asio::post(boost::asio::use_awaitable);
        if (*stop) co_return Error{Errc::cancelled, "ended"};
        co_return Result<void>();
    }
    boost::asio::awaitable<Result<std::vector<std::string>>> load_images(std::filesystem::path tar, Stop,
                                                                         Progress) override {
        std::ifstream file(tar, std::ios::binary);
        loaded = std::string(std::istreambuf_iterator<char>(file), {});
        loaded_from = tar;
        co_return std::vector<std::string>{"a:1"};
    }

    bool may_say_more(const std::string& task_id, std::int64_t step) const override {
        return std::find(running.begin(), running.end(), std::pair(task_id, step)) != running.end();
    }
    Result<std::shared_ptr<const void>> hold_persistence(const std::string& folder) override {
        if (used.contains(folder)) return Error{Errc::busy, "a module runs that uses the folder " + folder};
        told.push_back("hold " + folder);
        return std::shared_ptr<const void>(std::make_shared<int>());
    }
    bool uses_persistence(const std::string& folder) const override { return used.contains(folder); }

    boost::asio::awaitable<Result<ModuleTrialEnd>> try_module(
        ModuleTrialOrder order, std::function<void(std::string name, std::string detail)> tell,
        std::function<void(std::function<void()> end)> on_cancel) override {
        told.push_back("try " + order.module + " on " + order.series_uid);
        if (!away.empty()) co_return Error{Errc::busy, away};
        bool ended = false;
        on_cancel([&ended] { ended = true; });
        tried_files = order.find_files();
        tell("run", "the module runs");
        while (endless && !ended) co_await boost::asio::post(boost::asio::use_awaitable);
        if (ended) co_return Error{Errc::cancelled, "ended"};
        co_return trial_end;
    }

    std::set<std::string> used;  ///< persistence folders, by modules that run
    std::vector<std::filesystem::path> tried_files;
    ModuleTrialEnd trial_end;
    std::vector<std::pair<std::string, std::int64_t>> running;  ///< tasks and their steps
    EngineImages known;
    std::string away;      ///< why the engine does not answer
    bool endless = false;  ///< fetching ends only when somebody wants it to
    std::vector<std::string> told;
    std::string loaded;
    std::filesystem::path loaded_from;
};

}  // namespace quicksilver::test
