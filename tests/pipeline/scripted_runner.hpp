#pragma once

#include "quicksilver/pipeline/runners/module_runner.hpp"

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace quicksilver::test {

/// A runner that does as it is told, and remembers what it was asked for.
class ScriptedRunner final : public ModuleRunner {
public:
    using Module = std::function<Result<ModuleEnd>(const ModuleRun&, const RunControl&, const RunProgress&)>;

    Module module = copy_images;
    std::atomic<bool> away{false};
    std::function<Result<void>()> collecting = [] { return Result<void>(); };
    std::set<RunId> remains;       // what sweep finds
    std::set<RunId> swept_wanted;  // what it was told last
    std::atomic<unsigned> sweeps{0};

    static Result<ModuleEnd> copy_images(const ModuleRun& run, const RunControl&, const RunProgress& progress) {
        progress.output("copied\n");
        for (const auto& entry : std::filesystem::directory_iterator(run.in)) {
            if (entry.path().extension() == ".dcm") std::filesystem::copy(entry.path(), run.out);
        }
        return ModuleEnd{};
    }
    /// Runs until somebody ends it.
    static Result<ModuleEnd> wait_for_ever(const ModuleRun&, const RunControl& control, const RunProgress&) {
        while (!control.flag()) std::this_thread::yield();
        return Error{Errc::cancelled, "ended"};
    }

    Result<std::string> ready(const StopFlag&) override {
        if (away) return Error{Errc::busy, "the engine is away"};
        return std::string("scripted");
    }
    Result<void> prepare(const ModuleRun& run, const RunControl&, const RunProgress&) override {
        note("prepare", run);
        return {};
    }
    Result<ModuleEnd> run(const ModuleRun& given, const RunControl& control, const RunProgress& progress) override {
        note("run", given);
        if (away) return Error{Errc::busy, "the engine is away"};
        return module(given, control, progress);
    }
    Result<void> collect(const ModuleRun& run) override {
        note("collect", run);
        return collecting();
    }
    Result<std::set<RunId>> sweep(const std::set<RunId>& wanted) override {
        swept_wanted = wanted;
        ++sweeps;
        std::set<RunId> alive;
        for (const RunId& run : remains) {
            if (wanted.contains(run)) alive.insert(run);
        }
        return alive;
    }

    std::vector<std::string> calls() const {
        const std::lock_guard lock(mutex_);
        return calls_;
    }
    std::size_t count(const std::string& call) const {
        std::size_t found = 0;
        for (const std::string& made : calls()) found += made.starts_with(call) ? 1U : 0U;
        return found;
    }

private:
    void note(const char* call, const ModuleRun& run) {
        const std::lock_guard lock(mutex_);
        calls_.push_back(std::string(call) + " " + run.module);
    }

    mutable std::mutex mutex_;  // guards the next
    std::vector<std::string> calls_;
};

}  // namespace quicksilver::test
