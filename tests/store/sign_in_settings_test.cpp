#include "quicksilver/store/sign_in_settings.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace std::chrono_literals;

TEST_CASE("How long sessions last is what the configuration says", "[store][sign_in]") {
    Config config;
    CHECK(SignInSettings::of(config).sessions.idle == 30min);
    CHECK(SignInSettings::of(config).sessions.absolute == 12h);
    CHECK_FALSE(SignInSettings::of(config).second_factor_for_admins);
    config.document = {{"sign_in", {{"session_idle", 90.5}, {"session_max", 600}, {"second_factor_for_admins", true}}}};
    const SignInSettings settings = SignInSettings::of(config);
    CHECK(settings.sessions.idle == 90s);
    CHECK(settings.sessions.absolute == 10min);
    CHECK(settings.second_factor_for_admins);
}
