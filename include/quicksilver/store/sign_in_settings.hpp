#pragma once

#include "quicksilver/core/config.hpp"
#include "quicksilver/store/sessions.hpp"

namespace quicksilver {

/// The section `sign_in` of the configuration. Pure.
struct SignInSettings {
    SessionLimits sessions;
    bool second_factor_for_admins = false;

    static SignInSettings of(const Config& config);
};

}  // namespace quicksilver
