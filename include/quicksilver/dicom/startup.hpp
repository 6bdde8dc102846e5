#pragma once

#include "quicksilver/core/log.hpp"
#include "quicksilver/core/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace quicksilver::dicom {

/// The largest PDU that DCMTK can handle, in bytes. Offered to every peer, and the limit for what we send.
inline constexpr std::uint32_t max_pdu_bytes = 131072;

/// 3.6.7
std::string dcmtk_version();

/// Sets up everything of DCMTK that is global to the process: data dictionary, log, network, TLS, codecs, time-outs.
/// Made once, in main, before any other thread exists (it changes the environment); destroyed after all threads ended.
class Startup {
public:
    /// Errors: not_found when the data dictionary is missing, io when the network cannot be set up.
    static Result<std::unique_ptr<Startup>> begin(const Log& log);
    ~Startup();
    Startup(const Startup&) = delete;
    Startup& operator=(const Startup&) = delete;

    /// Takes over a changed level of the log given at the beginning. Any thread.
    void follow_log_level() const;

private:
    explicit Startup(Log log);

    Log log_;
};

}  // namespace quicksilver::dicom
