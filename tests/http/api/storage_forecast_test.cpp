#include "http/api/storage_forecast.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;

namespace {

constexpr std::uint64_t gb = 1'000'000'000;
const WallTime now = WallTime(std::chrono::hours(500'000));

nlohmann::json forecast(std::uint64_t free, const std::vector<std::uint64_t>& days, int retention_days) {
    StorageStatus storage;
    storage.total_bytes = 1000 * gb;
    storage.free_bytes = free;
    storage.reserve_bytes = 10 * gb;
    CleanerConfig cleaner;
    cleaner.retention = Seconds(86'400.0 * retention_days);
    return storage_forecast(storage, cleaner, days, now);
}

}  // namespace

TEST_CASE("What is cleaned up in time does not fill the disk", "[http][api][storage]") {
    const auto seen = forecast(100 * gb, {10 * gb, 10 * gb, 10 * gb}, 3);
    CHECK(seen.at("received_per_day_bytes") == 10 * gb);
    CHECK(seen.at("steady_bytes") == 30 * gb);
    CHECK(seen.at("fits") == true);
    CHECK(seen.at("full_at").is_null());
}

TEST_CASE("A disk that is too small has a day at which it is full", "[http][api][storage]") {
    const auto seen = forecast(50 * gb, {0, 0, 10 * gb, 30 * gb}, 30);
    CHECK(seen.at("received_per_day_bytes") == 20 * gb);
    CHECK(seen.at("busiest_day_bytes") == 30 * gb);
    CHECK(seen.at("fits") == false);
    CHECK(seen.at("full_at") == rfc3339(now + std::chrono::hours(48)));
}

TEST_CASE("Nothing received and a full disk are no trouble for the forecast", "[http][api][storage]") {
    CHECK(forecast(50 * gb, {}, 3).at("full_at").is_null());
    CHECK(forecast(50 * gb, {0, 0}, 3).at("fits") == true);
    CHECK(forecast(0, {gb}, 3).at("full_at") == rfc3339(now));
}
