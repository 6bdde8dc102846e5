#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/dicom/send_association.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/assoc.h>

#include <functional>
#include <string>

namespace quicksilver::dicom {

/// An association that we open: connection, encryption, negotiation, release. Destroyed without release() it is
/// aborted. One thread, which it blocks; a stop ends every wait.
class RequestedAssociation {
public:
    RequestedAssociation(const Destination& destination, const StopFlag& stop)
        : destination_(destination), stop_(&stop) {}
    ~RequestedAssociation();
    RequestedAssociation(const RequestedAssociation&) = delete;
    RequestedAssociation& operator=(const RequestedAssociation&) = delete;

    /// `propose` adds the presentation contexts. Errc::refused when the peer says no, or accepts none of them.
    Result<void> open(const std::function<void(T_ASC_Parameters*)>& propose);
    void release();

    /// Whoever uses it next: its flag counts from now on.
    void use_stop(const StopFlag& stop) { stop_ = &stop; }
    const StopFlag& stop() const { return *stop_; }
    const Destination& destination() const { return destination_; }
    T_ASC_Association* get() const { return association_; }
    DIC_US next_message_id() { return association_->nextMsgID++; }

    /// What a failed wait or a lost connection means: stopped, silent, or gone.
    Error error(const char* doing, const OFCondition& condition) const;
    /// `PACS at 10.0.0.1:104`
    std::string peer_name() const;

private:
    Result<void> encrypt(T_ASC_Parameters* parameters);
    Error tls_error(const OFCondition& condition) const;
    Error rejection(T_ASC_Parameters* parameters) const;

    const Destination destination_;
    const StopFlag* stop_;
    T_ASC_Network* network_ = nullptr;
    T_ASC_Association* association_ = nullptr;
    bool released_ = false;
};

}  // namespace quicksilver::dicom
