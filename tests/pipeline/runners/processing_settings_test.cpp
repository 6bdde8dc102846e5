#include "quicksilver/pipeline/runners/processing_settings.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("Settings of processing are those of the configuration, or their defaults", "[pipeline][runners]") {
    Config config;
    CHECK(ProcessingSettings::of(config).max_parallel == 2);
    config.document["processing"] = {{"max_parallel", 5},
                                     {"gpus", 1},
                                     {"timeout", 1.5},
                                     {"docker_host", "unix:///x"},
                                     {"docker_certificates", "/certs"}};
    const ProcessingSettings settings = ProcessingSettings::of(config);
    CHECK(settings.max_parallel == 5);
    CHECK(settings.gpus == 1);
    CHECK(settings.timeout == Seconds(1.5));
    CHECK(settings.docker_host == "unix:///x");
    CHECK(settings.docker_certificates == "/certs");
}
