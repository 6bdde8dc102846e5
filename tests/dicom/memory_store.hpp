#pragma once

#include "quicksilver/dicom/instance_store.hpp"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace quicksilver::test {

/// Keeps received files in memory, and remembers what it was told.
class MemoryStore final : public dicom::InstanceStore, public dicom::ReceptionObserver {
public:
    Result<void> has_room() override {
        const std::lock_guard lock(mutex_);
        return room_;
    }
    Result<std::unique_ptr<dicom::InstanceWriter>> begin(const dicom::InstanceIdentity& identity) override {
        return std::unique_ptr<dicom::InstanceWriter>(std::make_unique<Writer>(*this, identity.sop_instance_uid));
    }

    void instance_stored(const dicom::StoredInstance& instance) override {
        const std::lock_guard lock(mutex_);
        stored.push_back(instance);
    }
    void instance_refused(const dicom::Peer&, const std::string&, std::uint16_t status,
                          const std::string& reason) override {
        const std::lock_guard lock(mutex_);
        refused.emplace_back(status, reason);
        told_.notify_all();
    }
    void association_rejected(const dicom::Peer&, const std::string& reason) override {
        const std::lock_guard lock(mutex_);
        rejected.push_back(reason);
        told_.notify_all();
    }
    void commitment_reported(const dicom::Peer&, dicom::CommitmentReport report) override {
        const std::lock_guard lock(mutex_);
        commitments.push_back(std::move(report));
        told_.notify_all();
    }
    void association_began(const dicom::Peer&) override {
        const std::lock_guard lock(mutex_);
        ++associations_began_;
    }
    std::size_t associations_began() const {
        const std::lock_guard lock(mutex_);
        return associations_began_;
    }
    void association_ended(const dicom::Peer&) override {}

    void set_room(Result<void> room) {
        const std::lock_guard lock(mutex_);
        room_ = std::move(room);
    }
    /// Whole file of an instance: file meta information and data set.
    std::string file(const std::string& sop_instance_uid) const {
        const std::lock_guard lock(mutex_);
        const auto found = files_.find(sop_instance_uid);
        return found == files_.end() ? std::string() : found->second;
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return files_.size();
    }

    /// The store is told after the peer was answered, so a test has to wait. False after half a minute.
    bool wait_for(std::size_t refusals, std::size_t rejections) {
        std::unique_lock lock(mutex_);
        return told_.wait_for(lock, std::chrono::seconds(30),
                              [&] { return refused.size() >= refusals && rejected.size() >= rejections; });
    }

    std::vector<dicom::StoredInstance> stored;
    std::vector<std::pair<std::uint16_t, std::string>> refused;
    std::vector<std::string> rejected;
    std::vector<dicom::CommitmentReport> commitments;

private:
    class Writer final : public dicom::InstanceWriter {
    public:
        Writer(MemoryStore& store, std::string uid) : store_(store), uid_(std::move(uid)) {}
        Result<void> write(std::span<const std::byte> bytes) override {
            content_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return {};
        }
        Result<void> patch(std::uint64_t offset, std::span<const std::byte> bytes) override {
            content_.replace(offset, bytes.size(), reinterpret_cast<const char*>(bytes.data()), bytes.size());
            return {};
        }
        Result<bool> commit() override {
            const std::lock_guard lock(store_.mutex_);
            return !store_.files_.insert_or_assign(uid_, content_).second;
        }

    private:
        MemoryStore& store_;
        std::string uid_;
        std::string content_;
    };

    mutable std::mutex mutex_;
    std::condition_variable told_;
    std::size_t associations_began_ = 0;
    Result<void> room_;
    std::map<std::string, std::string> files_;
};

}  // namespace quicksilver::test
