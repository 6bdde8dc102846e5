#pragma once

#include "quicksilver/core/config_handle.hpp"
#include "quicksilver/core/log.hpp"
#include "quicksilver/core/log_ring.hpp"
#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace quicksilver {

/// What the server is run with.
struct ServerOptions {
    ConfigSources sources;
    bool create_config = false;  ///< write the file of a first start when there is none
    Log log;
    /// Called once, on the io thread, when the server takes work.
    struct Addresses {
        std::string dicom;  ///< 0.0.0.0:11112
        std::string http;   ///< http://127.0.0.1:8000
        std::uint16_t dicom_port = 0;
        std::filesystem::path data;
    };
    std::function<void(const Addresses&)> on_ready;
    std::shared_ptr<const LogRing> recent_log = {};  ///< the last lines of `log`, for the interface; may be null
    std::filesystem::path web_folder = {};           ///< of the web interface's files; empty: those in the program
};

/// Runs the whole server on the calling thread until SIGTERM or SIGINT. SIGHUP reloads the configuration.
/// The error says why it could not start.
Result<void> run_server(ServerOptions options);

/// The program's version: 0.1.0
std::string program_version();

}  // namespace quicksilver
