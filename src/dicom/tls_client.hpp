#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmtls/tlslayer.h>

#include <memory>
#include <optional>
#include <string>

namespace quicksilver::dicom {

/// What DCMTK needs to encrypt an association as a client: BCP 195, our certificate, and the peer's checked against
/// `ca`. Errors name the file that cannot be used and why.
Result<std::unique_ptr<DcmTLSTransportLayer>> make_tls_layer(const TlsClient& tls);

/// Why the TLS handshake with a peer that can be reached fails; nothing when it cannot be reached, or when it works.
std::optional<std::string> explain_tls_failure(const Destination& destination);

}  // namespace quicksilver::dicom
