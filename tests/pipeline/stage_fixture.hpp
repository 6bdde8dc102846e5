#pragma once

#include "quicksilver/pipeline/bookkeeper.hpp"
#include "quicksilver/pipeline/stage_context.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "support/coroutines.hpp"
#include "support/failing_file_ops.hpp"
#include "support/manual_clock.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <string>

namespace quicksilver::test {

/// What a stage under test needs: temporary folders, a manual clock, a configuration that a test may change.
struct StageFixture {
    TemporaryFolder root;
    boost::asio::io_context io;
    boost::asio::thread_pool files{2};
    boost::asio::thread_pool journal{1};
    ManualClock clock;
    FailingFileOps ops;  // nothing fails
    std::shared_ptr<Config> config = make_config();
    TaskFolders folders{ops, clock, config->folders};
    Log log{make_silent_log(), "test"};
    Bookkeeper books{io.get_executor(), journal, root / "books.sqlite", false, clock, log};

    StageFixture() {
        if (!folders.make_stages()) throw std::runtime_error("cannot make the stage folders");
    }
    ~StageFixture() {
        files.join();
        journal.join();
    }

    StageContext context() {
        return StageContext{io.get_executor(), files, clock, [this] { return config; }, folders, books, log};
    }

    /// Runs what is ready, blocking work included, until `done`.
    void run_until(const std::function<bool()>& done) { test::run_until(io, done); }

    /// Replaces the configuration by a changed copy, as a reload does.
    void reconfigure(const std::function<void(Config&)>& change) {
        auto changed = std::make_shared<Config>(*config);
        change(*changed);
        config = std::move(changed);
    }

private:
    std::shared_ptr<Config> make_config() {
        auto made = std::make_shared<Config>();
        made->folders.data = root.path();
        made->folders.incoming = root / "incoming";
        made->folders.studies = root / "studies";
        made->folders.processing = root / "processing";
        made->folders.outgoing = root / "outgoing";
        made->folders.success = root / "success";
        made->folders.error = root / "error";
        made->folders.discard = root / "discard";
        return made;
    }
};

}  // namespace quicksilver::test
