#pragma once

#include "quicksilver/core/log.hpp"

namespace quicksilver::dicom {

/// Sends everything that DCMTK logs to `log` and nothing to standard error. Call before any other thread uses DCMTK.
///
/// DCMTK quotes attribute values, so its data set messages appear at trace level only, whatever their severity there.
/// Of network and TLS, errors become warnings and warnings become debug; the rest is trace. DCMTK's own dumps of PDUs
/// (its level trace) are never made.
void bridge_dcmtk_log(const Log& log);

/// Makes DCMTK compose only the messages that `log` will show at its present level. Any thread.
void follow_log_level(const Log& log);

/// DCMTK stays silent from here on, so that nothing is logged into a destroyed log.
void silence_dcmtk_log();

}  // namespace quicksilver::dicom
