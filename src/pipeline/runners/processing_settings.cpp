#include "quicksilver/pipeline/runners/processing_settings.hpp"

namespace quicksilver {

ProcessingSettings ProcessingSettings::of(const Config& config) {
    ProcessingSettings settings;
    if (!config.document.is_object()) return settings;
    const auto found = config.document.find("processing");
    if (found == config.document.end() || !found->is_object()) return settings;
    // Types and ranges were checked when the configuration was read.
    settings.max_parallel = found->value("max_parallel", settings.max_parallel);
    settings.gpus = found->value("gpus", settings.gpus);
    settings.timeout = Seconds(found->value("timeout", settings.timeout.count()));
    settings.docker_host = found->value("docker_host", settings.docker_host);
    settings.docker_certificates = found->value("docker_certificates", std::string());
    return settings;
}

}  // namespace quicksilver
