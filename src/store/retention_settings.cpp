#include "quicksilver/store/retention_settings.hpp"

namespace quicksilver {

RetentionSettings RetentionSettings::of(const Config& config) {
    RetentionSettings settings;
    if (!config.document.is_object()) return settings;
    // Types and ranges were checked when the configuration was read.
    settings.history = Seconds(config.document.value("history_retention", settings.history.count()));
    settings.audit = Seconds(config.document.value("audit_retention", settings.audit.count()));
    return settings;
}

}  // namespace quicksilver
