#pragma once

#include "quicksilver/core/config_field.hpp"

namespace quicksilver {

/// The part of `setting_fields` about the web interface and signing in.
FieldTable web_setting_fields();

}  // namespace quicksilver
