#pragma once

#include "quicksilver/dicom/instance_store.hpp"

#include "file_hash.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace quicksilver::dicom {

/// Takes the data set of one C-STORE as it comes from the wire and passes it on to an InstanceStore, bit by bit the
/// same. The first bytes are held back until they have told which series the instance belongs to; from then on memory
/// does not grow. Once something failed, the rest is swallowed, because the peer sends on until it is asked to stop.
class IncomingInstance {
public:
    /// What the C-STORE request says, to be held against the data set.
    struct Request {
        std::string sop_class_uid, sop_instance_uid, transfer_syntax_uid;
        Peer peer;
    };

    /// What is reused from one instance of an association to the next.
    struct Scratch {
        std::vector<std::byte> head;
        DataSetHash hash;
    };

    IncomingInstance(InstanceStore& store, const Request& request, Scratch& scratch);

    void add(std::span<const std::byte> fragment);
    /// The whole data set has arrived: makes the instance durable, or tells what failed on the way.
    Result<StoredInstance> finish();
    /// Gives up: nothing remains. For a data set that did not arrive whole.
    void fail(Error error);

    /// Held back at first, and written in one piece when the whole object is not longer.
    static constexpr std::size_t first_part = 256 * 1024;
    /// An object whose UIDs are not found within this many bytes is refused.
    static constexpr std::size_t longest_head = 16 * 1024 * 1024;

private:
    Result<void> open(bool head_is_all);
    Result<void> check(const InstanceIdentity& identity) const;

    InstanceStore& store_;
    const Request& request_;
    std::vector<std::byte>& head_;
    DataSetHash& hash_;
    std::size_t next_attempt_ = first_part;
    InstanceIdentity identity_;
    std::unique_ptr<InstanceWriter> writer_;  // from the moment that the series is known
    std::uint64_t checksum_offset_ = 0;
    bool checksum_written_ = false;
    std::optional<Error> failure_;
};

}  // namespace quicksilver::dicom
