#include "quicksilver/store/sign_in_settings.hpp"

namespace quicksilver {

namespace {

std::chrono::seconds whole_seconds(double seconds) {
    return std::chrono::seconds(static_cast<std::chrono::seconds::rep>(seconds));
}

}  // namespace

SignInSettings SignInSettings::of(const Config& config) {
    SignInSettings settings;
    if (!config.document.is_object()) return settings;
    const auto found = config.document.find("sign_in");
    if (found == config.document.end() || !found->is_object()) return settings;
    // Types and ranges were checked when the configuration was read.
    SessionLimits& sessions = settings.sessions;
    sessions.idle = whole_seconds(found->value("session_idle", static_cast<double>(sessions.idle.count())));
    sessions.absolute = whole_seconds(found->value("session_max", static_cast<double>(sessions.absolute.count())));
    settings.second_factor_for_admins = found->value("second_factor_for_admins", settings.second_factor_for_admins);
    return settings;
}

}  // namespace quicksilver
