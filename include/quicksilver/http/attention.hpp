#pragma once

#include "quicksilver/core/config_handle.hpp"
#include "quicksilver/http/sign_in_watch.hpp"
#include "quicksilver/http/status_source.hpp"

#include <nlohmann/json_fwd.hpp>

namespace quicksilver {

/// What a person should look at now: a list of {"id","severity","text"}. Never patient data. Io thread.
nlohmann::json open_problems(const StatusSource& status, const ConfigHandle& config, const SignInWatch& sign_ins,
                             SteadyTime now);

}  // namespace quicksilver
