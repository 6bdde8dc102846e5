// What modules say: into the database while they run, or into files. The queue is in processor.cpp.
#include "quicksilver/pipeline/bookkeeper.hpp"

#include "processor_parts.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <utility>

namespace quicksilver {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// Where the output of a run goes when `logs_file_store` is set.
fs::path log_file_of(const ModuleRun& run) {
    std::string module = run.module;
    std::replace(module.begin(), module.end(), '/', '_');
    return run.server->processing.logs_file_store / run.id.task / fmt::format("{}.{}.txt", module, run.id.step);
}

}  // namespace

/// The output goes into the database by `flush_log`, or straight into a file of `logs_file_store`.
RunProgress Processor::progress_for(const TaskPtr& task, const ModuleRun& run) {
    RunProgress progress;
    progress.status = [this, weak = std::weak_ptr<Task>(task), io = context_.io](std::string text) {
        asio::post(io, [weak, text = std::move(text)]() mutable {
            if (const TaskPtr there = weak.lock()) there->status = std::move(text);
        });
    };
    progress.output = [](std::string_view) {};
    task->log.reset();
    if (run.server->processing.discard_logs) return progress;
    const auto log = std::make_shared<ModuleLog>();
    if (run.server->processing.logs_file_store.empty()) {
        task->log = log;
        task->log_chunk = 0;
        task->log_chunk_size = 0;
        task->log_begun = false;
        progress.output = [log](std::string_view lines) { log->add(lines); };
        return progress;
    }
    const fs::path path = log_file_of(run);
    journal::ProcessorLog entry = log_entry(*task);
    entry.is_first = true;
    entry.file = path.string();
    context_.books.record(std::move(entry));
    progress.output = [log, file = std::shared_ptr<std::ofstream>(), path](std::string_view lines) mutable {
        if (!file) {
            std::error_code ignored;
            fs::create_directories(path.parent_path(), ignored);
            file = std::make_shared<std::ofstream>(path, std::ios::trunc);
        }
        log->add(lines);
        *file << log->take() << std::flush;
    };
    return progress;
}

journal::ProcessorLog Processor::log_entry(const Task& task) const {
    const ProcessingState& progress = *task.progress;
    journal::ProcessorLog entry;
    entry.time = context_.clock.wall_now();
    entry.task_id = task.id;
    entry.module = task.file.process.at(progress.step).module_name;
    entry.run = fmt::format("{}/{}/{}", task.id, progress.step, progress.attempt);
    entry.chunk = task.log_chunk;
    return entry;
}

void Processor::flush_log(Task& task, bool at_end) {
    if (!task.log) return;
    std::string text = at_end ? task.log->finish() : task.log->take();
    if (at_end) task.log.reset();
    while (!text.empty()) {
        if (task.log_chunk_size >= ModuleLog::chunk_max) {
            ++task.log_chunk;
            task.log_chunk_size = 0;
        }
        journal::ProcessorLog entry = log_entry(task);
        entry.is_first = !std::exchange(task.log_begun, true);
        entry.text = text.substr(0, ModuleLog::chunk_max - task.log_chunk_size);
        task.log_chunk_size += entry.text.size();
        text.erase(0, entry.text.size());
        context_.books.record(std::move(entry));
    }
}

}  // namespace quicksilver
