#pragma once

#include "quicksilver/pipeline/targets/target.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace quicksilver::test {

/// What scripted targets of all names were asked, and what they are to answer. Thread-safe.
class Script {
public:
    /// The next answers of a target; once they are used up it succeeds.
    void answer(const std::string& target, std::deque<Result<void>> answers) {
        const std::lock_guard lock(mutex_);
        answers_[target] = std::move(answers);
    }
    /// The target confirms this many instances before it fails.
    void confirm_before_failing(std::size_t count) {
        const std::lock_guard lock(mutex_);
        confirm_before_failing_ = count;
    }
    /// The target takes a task and does not answer until told to, or stopped.
    void block(const std::string& target) {
        const std::lock_guard lock(mutex_);
        blocked_.insert(target);
    }
    void unblock(const std::string& target) {
        const std::lock_guard lock(mutex_);
        blocked_.erase(target);
        changed_.notify_all();
    }

    /// Files that a target was sent, in order, over all attempts.
    std::vector<std::string> sent(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = sent_.find(target);
        return found == sent_.end() ? std::vector<std::string>() : found->second;
    }
    std::size_t attempts(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = attempts_.find(target);
        return found == attempts_.end() ? 0 : found->second;
    }
    std::size_t most_at_once(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = most_at_once_.find(target);
        return found == most_at_once_.end() ? 0 : found->second;
    }

    /// What probes and tests find from now on.
    void answer_probes(const std::string& target, Result<std::string> answer) {
        const std::lock_guard lock(mutex_);
        probe_answers_.insert_or_assign(target, std::move(answer));
    }
    Result<std::string> probe(const std::string& target) {
        const std::lock_guard lock(mutex_);
        ++probes_[target];
        const auto found = probe_answers_.find(target);
        return found == probe_answers_.end() ? Result<std::string>(std::string("scripted")) : found->second;
    }
    std::size_t probes(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = probes_.find(target);
        return found == probes_.end() ? 0 : found->second;
    }
    void rest(const std::string& target) {
        const std::lock_guard lock(mutex_);
        ++rests_[target];
    }
    std::size_t rests(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = rests_.find(target);
        return found == rests_.end() ? 0 : found->second;
    }
    /// Tasks in the order in which a target was given them.
    std::vector<std::string> tasks(const std::string& target) const {
        const std::lock_guard lock(mutex_);
        const auto found = tasks_.find(target);
        return found == tasks_.end() ? std::vector<std::string>() : found->second;
    }

    Result<Receipt> send(const std::string& target, const Delivery& delivery, const Progress& progress,
                         const StopFlag& stop) {
        std::unique_lock lock(mutex_);
        ++attempts_[target];
        tasks_[target].push_back(delivery.task.id);
        most_at_once_[target] = std::max(most_at_once_[target], ++running_[target]);
        while (blocked_.contains(target) && !stop) changed_.wait_for(lock, std::chrono::milliseconds(10));
        --running_[target];
        if (stop) return Error{Errc::cancelled, "stopped"};
        Result<void> answer;
        if (auto& answers = answers_[target]; !answers.empty()) {
            answer = answers.front();
            answers.pop_front();
        }
        Receipt receipt;
        for (const auto& file : delivery.instances) {
            const std::string name = file.filename();
            if (delivery.confirmed.contains(name)) continue;
            if (!answer && receipt.instances == confirm_before_failing_) break;
            sent_[target].push_back(name);
            ++receipt.instances;
            progress(name, 0);
        }
        if (!answer) return answer.error();
        return receipt;
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, std::deque<Result<void>>> answers_;
    std::map<std::string, std::vector<std::string>> sent_, tasks_;
    std::map<std::string, Result<std::string>> probe_answers_;
    std::map<std::string, std::size_t> attempts_, running_, most_at_once_, probes_, rests_;
    std::set<std::string> blocked_;
    std::size_t confirm_before_failing_ = 0;
};

/// A target that does as its script says.
class ScriptedTarget final : public Target {
public:
    ScriptedTarget(std::string name, Script& script) : name_(std::move(name)), script_(script) {}
    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        return script_.send(name_, delivery, progress, stop);
    }
    void test(TargetTest& test) override {
        test.step(
            "echo", [this] { return script_.probe(name_); }, "scripted hint");
    }
    void rest() override { script_.rest(name_); }

    static void register_in(TargetRegistry& registry, Script& script) {
        registry.add("scripted", [&script](const TargetConfig& target, const Config&) {
            return Result<std::unique_ptr<Target>>(std::make_unique<ScriptedTarget>(target.name, script));
        });
    }

private:
    const std::string name_;
    Script& script_;
};

}  // namespace quicksilver::test
