#include "quicksilver/pipeline/cleaner.hpp"

#include "stage_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

struct Fixture : test::StageFixture {
    std::size_t folders_left_at_full = 0;  // the "disk" is full while more folders than this exist

    Fixture() {
        reconfigure([](Config& changed) {
            changed.cleaner.retention = Seconds(3600);
            changed.cleaner.offpeak_start = "00:00";
            changed.cleaner.offpeak_end = "23:59";
            changed.cleaner.emergency_percentage = 90;
        });
    }

    void make(const char* stage, const std::string& name, std::chrono::seconds age) {
        test::write_file(root / stage / name / "1#1.dcm", "image");
        const auto time = std::chrono::file_clock::from_sys(clock.wall_now() - age);
        std::filesystem::last_write_time(root / stage / name, time);
    }
    std::size_t count() const {
        std::size_t all = 0;
        for (const char* stage : {"success", "discard"}) {
            all += static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(root / stage), {}));
        }
        return all;
    }
    bool exists(const char* stage, const char* name) const { return std::filesystem::exists(root / stage / name); }

    Cleaner cleaner() {
        return Cleaner(context(), [this](const std::filesystem::path&) {
            return count() > folders_left_at_full ? DiskSpace{100, 5} : DiskSpace{100, 50};
        });
    }
    void clean(Cleaner& cleaner) { test::run_coroutine(io, cleaner.clean_once()); }
};

}  // namespace

TEST_CASE("Delivered and discarded series go after the retention, others stay", "[pipeline][cleaner]") {
    Fixture f;
    f.folders_left_at_full = 100;
    f.make("success", "old", 2h);
    f.make("success", "new", 1min);
    f.make("discard", "old", 2h);
    f.make("error", "old", 1000h);
    f.make("outgoing", "old", 1000h);
    auto cleaner = f.cleaner();
    f.clean(cleaner);
    CHECK_FALSE(f.exists("success", "old"));
    CHECK_FALSE(f.exists("discard", "old"));
    CHECK(f.exists("success", "new"));
    CHECK(f.exists("error", "old"));
    CHECK(f.exists("outgoing", "old"));
    CHECK(cleaner.status().removed_total == 2);
}

TEST_CASE("A full disk takes the oldest first, and only until there is room", "[pipeline][cleaner]") {
    Fixture f;
    f.reconfigure([](Config& changed) { changed.cleaner.retention = Seconds(1e9); });
    f.folders_left_at_full = 2;
    f.make("success", "2", 20min);
    f.make("discard", "4", 40min);
    f.make("success", "1", 10min);
    f.make("discard", "3", 30min);
    auto cleaner = f.cleaner();
    f.clean(cleaner);
    CHECK_FALSE(f.exists("discard", "4"));
    CHECK_FALSE(f.exists("discard", "3"));
    CHECK(f.exists("success", "2"));
    CHECK(f.exists("success", "1"));
    CHECK(cleaner.status().emergencies_total == 1);
}

TEST_CASE("A folder in use is never removed, however full the disk", "[pipeline][cleaner]") {
    Fixture f;
    f.make("success", "locked", 200h);
    f.make("success", "processing", 100h);
    f.make("discard", "free", 1min);
    test::write_file(f.root / "success" / "locked" / ".lock", "");
    test::write_file(f.root / "success" / "processing" / ".processing", "");
    auto cleaner = f.cleaner();
    f.clean(cleaner);
    CHECK(f.exists("success", "locked"));
    CHECK(f.exists("success", "processing"));
    CHECK_FALSE(f.exists("discard", "free"));
}

TEST_CASE("A held series goes neither by age nor by a full disk, which is said, and goes when it is released",
          "[pipeline][cleaner][hold]") {
    Fixture f;
    f.make("success", "held", 200h);
    f.make("success", "old", 100h);
    f.make("discard", "kept", 150h);
    for (const char* folder : {"success/held", "discard/kept"}) {
        REQUIRE(f.folders.hold(f.root / folder, {{"1.2.3", Hold{"anna", ""}}}).ok());
    }
    auto cleaner = f.cleaner();
    f.clean(cleaner);
    CHECK(f.exists("success", "held"));
    CHECK(f.exists("discard", "kept"));
    CHECK_FALSE(f.exists("success", "old"));
    CHECK(cleaner.status().held_in_the_way == 2);
    f.folders_left_at_full = 2;
    f.clean(cleaner);
    CHECK(cleaner.status().held_in_the_way == 0);
    CHECK(f.count() == 2);
    REQUIRE(*f.folders.release(f.root / "success/held", "1.2.3"));
    f.clean(cleaner);
    CHECK_FALSE(f.exists("success", "held"));
    CHECK(f.exists("discard", "kept"));
}
