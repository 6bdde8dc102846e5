#include "incoming_instance.hpp"

#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/dicom/file_meta.hpp"

#include "instance_identity.hpp"

#include <fmt/format.h>

namespace quicksilver::dicom {

IncomingInstance::IncomingInstance(InstanceStore& store, const Request& request, Scratch& scratch)
    : store_(store), request_(request), head_(scratch.head), hash_(scratch.hash) {
    head_.clear();
    hash_.reset();
    if (auto room = store_.has_room(); !room) failure_ = room.error();
}

void IncomingInstance::add(std::span<const std::byte> fragment) {
    if (failure_) return;
    hash_.add(fragment);
    if (writer_) {
        if (auto written = writer_->write(fragment); !written) fail(written.error());
        return;
    }
    head_.insert(head_.end(), fragment.begin(), fragment.end());
    if (head_.size() < next_attempt_) return;
    if (auto opened = open(false); !opened) {
        const bool may_follow = opened.error().code == Errc::busy && head_.size() < longest_head;
        if (!may_follow) return fail(std::move(opened).error());
        next_attempt_ = head_.size() * 2;
    }
}

Result<StoredInstance> IncomingInstance::finish() {
    if (!failure_ && !writer_) {
        if (auto opened = open(true); !opened) fail(opened.error());
    }
    if (failure_) return *failure_;
    if (!checksum_written_) {
        const std::string checksum = encode_checksum(hash_.checksum());
        auto patched = writer_->patch(checksum_offset_, std::as_bytes(std::span(checksum)));
        if (!patched) return patched.error();
    }
    const auto repeated = writer_->commit();
    if (!repeated) return repeated.error();
    return StoredInstance{identity_, request_.peer, hash_.checksum().bytes, *repeated};
}

void IncomingInstance::fail(Error error) {
    failure_ = std::move(error);
    writer_.reset();
}

Result<void> IncomingInstance::open(bool head_is_all) {
    auto identity = read_identity(head_, request_.transfer_syntax_uid, head_is_all);
    if (!identity) return identity.error();
    if (auto fits = check(*identity); !fits) return fits;
    identity_ = std::move(*identity);

    auto writer = store_.begin(identity_);
    if (!writer) return writer.error();
    EncodedFileMeta meta = encode_file_meta(identity_, request_.peer);
    checksum_offset_ = meta.checksum_offset;
    // An object that is here as a whole needs no second look at its beginning.
    checksum_written_ = head_is_all;
    if (checksum_written_) {
        meta.bytes.replace(checksum_offset_, std::string::npos, encode_checksum(hash_.checksum()));
    }
    if (auto written = (*writer)->write(std::as_bytes(std::span(meta.bytes))); !written) return written;
    if (auto written = (*writer)->write(head_); !written) return written;
    writer_ = std::move(*writer);
    return {};
}

Result<void> IncomingInstance::check(const InstanceIdentity& identity) const {
    const auto mismatch = [](const char* keyword, const std::string& said, const std::string& found) {
        return Error{Errc::refused, fmt::format("{} of the request is {}, of the data set {}", keyword, said, found)};
    };
    if (identity.sop_class_uid != request_.sop_class_uid) {
        return mismatch("SOPClassUID", request_.sop_class_uid, identity.sop_class_uid);
    }
    if (identity.sop_instance_uid != request_.sop_instance_uid) {
        return mismatch("SOPInstanceUID", request_.sop_instance_uid, identity.sop_instance_uid);
    }
    for (const std::string* uid : {&identity.sop_instance_uid, &identity.series_instance_uid}) {
        if (!is_file_safe_uid(*uid)) return Error{Errc::invalid, fmt::format("'{}' is not a UID", *uid)};
    }
    return {};
}

}  // namespace quicksilver::dicom
