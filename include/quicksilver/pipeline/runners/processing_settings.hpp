#pragma once

#include "quicksilver/core/config.hpp"

#include <filesystem>
#include <string>

namespace quicksilver {

/// The settings `processing.…` of the configuration, which are ours beside mercure's in ProcessingConfig.
struct ProcessingSettings {
    unsigned max_parallel = 2;  ///< tasks at the same time
    unsigned gpus = 0;          ///< graphics processors that are shared out; 0 = not counted
    Seconds timeout{0};         ///< of a module that has none of its own; 0 = none
    std::string docker_host;    ///< of the container engine, as DOCKER_HOST; empty: that variable, or Docker's socket
    std::filesystem::path docker_certificates;  ///< folder with ca.pem, cert.pem, key.pem; empty: no TLS

    static ProcessingSettings of(const Config& config);
};

}  // namespace quicksilver
