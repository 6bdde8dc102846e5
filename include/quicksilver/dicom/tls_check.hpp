#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include <string>

namespace quicksilver::dicom {

/// Makes a TLS handshake on a connected blocking socket, which stays the caller's, and says what was agreed on and
/// until when the peer's certificate is valid. The error says whose certificate is wrong, and why. Blocks as long as
/// the socket's time-outs allow.
Result<std::string> check_tls(int socket, const TlsClient& tls);

}  // namespace quicksilver::dicom
