#include "quicksilver/store/data_lock.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A second server on the same data folder is refused with the pid of the first", "[store]") {
    TemporaryFolder folder;
    const auto first = DataLock::acquire(folder / "run");
    REQUIRE(first.ok());
    const auto second = DataLock::acquire(folder / "run");
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == Errc::busy);
    CHECK(second.error().message.find("another server (pid " + std::to_string(getpid()) + ") uses this data folder") ==
          0);
    CHECK(DataLock::acquire(folder / "other").ok());
}

TEST_CASE("The lock is free again when its holder is gone", "[store]") {
    TemporaryFolder folder;
    { REQUIRE(DataLock::acquire(folder / "run").ok()); }
    CHECK(DataLock::acquire(folder / "run").ok());

    const pid_t child = fork();
    if (child == 0) {
        const bool ok = DataLock::acquire(folder / "other").ok();
        _exit(ok ? 0 : 1);  // as a killed process: nothing is released by the program
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    CHECK(DataLock::acquire(folder / "other").ok());
}

TEST_CASE("The next start knows how the last run ended", "[store]") {
    TemporaryFolder folder;
    {
        auto lock = DataLock::acquire(folder / "run", "boot-1");
        CHECK(lock->is_first_run());
        CHECK(lock->last_run_stopped_cleanly());
        CHECK_FALSE(lock->machine_restarted_since_last_run());
    }
    {
        auto after_crash = DataLock::acquire(folder / "run", "boot-1");
        CHECK_FALSE(after_crash->is_first_run());
        CHECK_FALSE(after_crash->last_run_stopped_cleanly());
        CHECK_FALSE(after_crash->machine_restarted_since_last_run());
        REQUIRE(after_crash->mark_clean_stop());
    }
    {
        auto after_stop = DataLock::acquire(folder / "run", "boot-1");
        CHECK(after_stop->last_run_stopped_cleanly());
        CHECK_FALSE(after_stop->machine_restarted_since_last_run());
    }
    {
        auto after_power_cut = DataLock::acquire(folder / "run", "boot-2");
        CHECK_FALSE(after_power_cut->last_run_stopped_cleanly());
        CHECK(after_power_cut->machine_restarted_since_last_run());
    }
}

TEST_CASE("What cannot be known counts as a power cut", "[store]") {
    TemporaryFolder folder;
    const std::string torn_state = GENERATE(std::string(), std::string(3, '\0'), std::string("{\"pid\": 5"));
    write_file(folder / "run/quicksilver.lock", torn_state);
    const auto torn = DataLock::acquire(folder / "run", "boot-1");
    REQUIRE(torn.ok());
    CHECK_FALSE(torn->last_run_stopped_cleanly());
    CHECK(torn->machine_restarted_since_last_run());

    { REQUIRE(DataLock::acquire(folder / "no-boot-id", "").ok()); }
    CHECK(DataLock::acquire(folder / "no-boot-id", "")->machine_restarted_since_last_run());
}

TEST_CASE("A run folder that cannot be made is an error that names it", "[store]") {
    TemporaryFolder folder;
    write_file(folder / "file", "");
    const auto lock = DataLock::acquire(folder / "file/run");
    REQUIRE_FALSE(lock.ok());
    CHECK(lock.error().message.find("file") != std::string::npos);
}
