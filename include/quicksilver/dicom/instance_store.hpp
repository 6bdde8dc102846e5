#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/dicom/commitment_report.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace quicksilver::dicom {

/// The other end of an association.
struct Peer {
    std::string calling_ae;
    std::string called_ae;
    std::string address;
};

/// What identifies an instance on its way in: from the C-STORE request and the head of its data set.
struct InstanceIdentity {
    std::string sop_class_uid;
    std::string sop_instance_uid;
    std::string study_instance_uid;
    std::string series_instance_uid;
    std::string transfer_syntax_uid;
};

/// What became of an instance that was kept.
struct StoredInstance {
    InstanceIdentity identity;
    Peer peer;
    std::uint64_t bytes = 0;  ///< of the data set
    bool repeated = false;    ///< the same SOP Instance UID was there already; this copy took its place
};

/// One instance being written. Destroyed without commit, nothing of it remains.
class InstanceWriter {
public:
    virtual ~InstanceWriter() = default;
    virtual Result<void> write(std::span<const std::byte> bytes) = 0;
    /// Overwrites bytes that have been written already.
    virtual Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
    /// Durable and under its final name on return; true when it took the place of an earlier copy.
    virtual Result<bool> commit() = 0;
};

/// Where received instances go. Called from association threads, several at once.
class InstanceStore {
public:
    virtual ~InstanceStore() = default;
    /// Whether there is room at all; asked before the data set of each C-STORE is read.
    virtual Result<void> has_room() = 0;
    virtual Result<std::unique_ptr<InstanceWriter>> begin(const InstanceIdentity& identity) = 0;
};

/// Told of what happens on associations. Called from association threads: hand over to the io thread and return.
class ReceptionObserver {
public:
    virtual ~ReceptionObserver() = default;
    /// The instance is durable; the peer has not been told yet.
    virtual void instance_stored(const StoredInstance& instance) = 0;
    virtual void instance_refused(const Peer& peer, const std::string& sop_instance_uid, std::uint16_t status,
                                  const std::string& reason) = 0;
    virtual void association_rejected(const Peer& peer, const std::string& reason) = 0;
    virtual void association_began(const Peer& peer) = 0;
    virtual void association_ended(const Peer& peer) = 0;
    /// A peer that we asked for storage commitment answers, on an association that it opened.
    virtual void commitment_reported(const Peer& peer, CommitmentReport report) = 0;
};

}  // namespace quicksilver::dicom
