#include "quicksilver/store/retention_settings.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("The database knows a series for two years unless the configuration says otherwise", "[store][config]") {
    Config config;
    CHECK(RetentionSettings::of(config).history == std::chrono::hours(24 * 730));
    CHECK(RetentionSettings::of(config).audit == Seconds(0));
    config.document = {{"history_retention", 60}, {"audit_retention", 90.5}};
    CHECK(RetentionSettings::of(config).history == Seconds(60));
    CHECK(RetentionSettings::of(config).audit == Seconds(90.5));
}
