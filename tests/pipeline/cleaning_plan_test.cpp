#include "quicksilver/pipeline/cleaning_plan.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

namespace {

const WallTime now{std::chrono::hours(500'000)};

std::vector<CleaningCandidate> candidates() {
    return {{"new", now - 1h}, {"oldest", now - 500h}, {"old", now - 100h}, {"at the limit", now - 72h}};
}

std::vector<std::string> names(const std::vector<CleaningCandidate>& found) {
    std::vector<std::string> all;
    for (const auto& one : found) all.push_back(one.folder.string());
    return all;
}

}  // namespace

TEST_CASE("What is older than the retention goes, oldest first", "[pipeline][cleaner]") {
    CleanerConfig config;
    config.retention = Seconds(72 * 3600);
    CHECK(names(expired(candidates(), config, now, 23 * 60)) == std::vector<std::string>({"oldest", "old"}));
}

TEST_CASE("Outside the off-peak hours nothing expires", "[pipeline][cleaner]") {
    CleanerConfig config;
    CHECK(expired(candidates(), config, now, 12 * 60).empty());
    config.offpeak_start = "11:00";
    config.offpeak_end = "13:00";
    CHECK(expired(candidates(), config, now, 12 * 60).size() == 2);
}

TEST_CASE("A folder whose time lies in the future stays", "[pipeline][cleaner]") {
    CleanerConfig config;
    config.retention = Seconds(0);
    CHECK(expired({{"tomorrow", now + 24h}}, config, now, 23 * 60).empty());
}

TEST_CASE("A disk is almost full above the percentage, and a disk that cannot be measured never is",
          "[pipeline][cleaner]") {
    CHECK_FALSE(is_disk_almost_full(100, 10, 90));
    CHECK(is_disk_almost_full(100, 9, 90));
    CHECK(is_disk_almost_full(100, 0, 90));
    CHECK_FALSE(is_disk_almost_full(0, 0, 90));
    CHECK_FALSE(is_disk_almost_full(100, 0, 100));
}
