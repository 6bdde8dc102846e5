#include "requested_association.hpp"

#include "stoppable_transport.hpp"
#include "tls_client.hpp"

#include <dcmtk/dcmnet/dimse.h>
#include <fmt/format.h>

#include <algorithm>

namespace quicksilver::dicom {

RequestedAssociation::~RequestedAssociation() {
    if (association_) {
        if (!released_) ASC_abortAssociation(association_);
        ASC_destroyAssociation(&association_);
    }
    if (network_) ASC_dropNetwork(&network_);
}

Result<void> RequestedAssociation::open(const std::function<void(T_ASC_Parameters*)>& propose) {
    if (*stop_) return Error{Errc::cancelled, "stopped before connecting to " + peer_name()};
    const int timeout = static_cast<int>(destination_.association_timeout.count());
    OFCondition done = ASC_initializeNetwork(NET_REQUESTOR, 0, timeout, &network_);
    if (done.bad()) return error("connecting to", done);
    T_ASC_Parameters* parameters = nullptr;
    done = ASC_createAssociationParameters(&parameters, static_cast<long>(destination_.max_pdu));
    if (done.bad()) return error("connecting to", done);
    ASC_setAPTitles(parameters, destination_.calling_ae.c_str(), destination_.called_ae.c_str(), nullptr);
    const bool is_v6 = destination_.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + destination_.host + "]" : destination_.host;
    const std::string peer = fmt::format("{}:{}", host, destination_.port);
    ASC_setPresentationAddresses(parameters, "localhost", peer.c_str());
    propose(parameters);
    if (auto encrypted = encrypt(parameters); !encrypted) {
        ASC_destroyAssociationParameters(&parameters);
        return encrypted;
    }

    // From here on the association owns the parameters, also when it fails.
    done = ASC_requestAssociation(network_, parameters, &association_, nullptr, nullptr, DUL_NOBLOCK, timeout);
    if (done == DUL_ASSOCIATIONREJECTED) return rejection(parameters);
    if (done.bad() && destination_.tls && !*stop_) return tls_error(done);
    if (done.bad()) return error("connecting to", done);
    if (ASC_countAcceptedPresentationContexts(parameters) == 0) {
        return Error{Errc::refused,
                     fmt::format("{} accepts none of the proposed SOP classes and transfer syntaxes", peer_name())};
    }
    return {};
}

void RequestedAssociation::release() {
    if (!ASC_releaseAssociation(association_).good()) ASC_abortAssociation(association_);
    released_ = true;
}

Error RequestedAssociation::error(const char* doing, const OFCondition& condition) const {
    if (*stop_) return Error{Errc::cancelled, fmt::format("stopped while {} {}", doing, peer_name())};
    const bool silent = condition == DIMSE_NODATAAVAILABLE || condition == DUL_READTIMEOUT;
    return Error{silent ? Errc::timed_out : Errc::network,
                 fmt::format("{} {}: {}", doing, peer_name(),
                             silent ? std::string("no answer in time") : std::string(condition.text()))};
}

std::string RequestedAssociation::peer_name() const {
    return fmt::format("{} at {}:{}", destination_.called_ae, destination_.host, destination_.port);
}

Result<void> RequestedAssociation::encrypt(T_ASC_Parameters* parameters) {
    std::unique_ptr<DcmTransportLayer> encrypting;
    if (destination_.tls) {
        auto layer = make_tls_layer(*destination_.tls);
        if (!layer) return layer.error();
        encrypting = std::move(*layer);
        ASC_setTransportLayerType(parameters, OFTrue);
    }
    ASC_setTransportLayer(network_, new StoppableLayer(stop_, std::move(encrypting)), 1);
    return {};
}

/// DCMTK says only that it failed, so a handshake of our own finds out whose certificate is wrong.
Error RequestedAssociation::tls_error(const OFCondition& condition) const {
    const auto reason = explain_tls_failure(destination_);
    if (!reason) return error("connecting to", condition);
    return Error{Errc::refused, fmt::format("no encrypted connection to {}: {}", peer_name(), *reason)};
}

Error RequestedAssociation::rejection(T_ASC_Parameters* parameters) const {
    T_ASC_RejectParameters reason{};
    ASC_getRejectParameters(parameters, &reason);
    OFString text;
    ASC_printRejectParameters(text, &reason);
    std::string line(text.c_str());
    std::replace(line.begin(), line.end(), '\n', ' ');
    return Error{Errc::refused,
                 fmt::format("association rejected by {} (we are {}): {}", peer_name(), destination_.calling_ae, line)};
}

}  // namespace quicksilver::dicom
