#pragma once

#include "quicksilver/dicom/send_association.hpp"

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace quicksilver {

/// Associations that have done their task and are kept for the next one to the same peer: opening one takes longer than
/// sending a small series. Any thread.
class SpareAssociations {
public:
    ~SpareAssociations() { release_all(); }

    /// One that was opened for at least these contexts, or null.
    std::unique_ptr<dicom::SendAssociation> take(const dicom::Destination& destination,
                                                 const std::vector<dicom::StorageContext>& contexts,
                                                 const StopFlag& stop) {
        const std::lock_guard lock(mutex_);
        const auto fits = [&](const Spare& spare) {
            const auto has = [&](const auto& context) {
                return std::ranges::find(spare.contexts, context) != spare.contexts.end();
            };
            return spare.destination == destination && std::ranges::all_of(contexts, has);
        };
        const auto found = std::ranges::find_if(spares_, fits);
        if (found == spares_.end()) return nullptr;
        auto association = std::move(found->association);
        spares_.erase(found);
        association->use_stop(stop);
        return association;
    }

    void put_back(const dicom::Destination& destination, const std::vector<dicom::StorageContext>& contexts,
                  std::unique_ptr<dicom::SendAssociation> association) {
        std::list<Spare> too_many;
        {
            const std::lock_guard lock(mutex_);
            association->use_stop(never_);
            spares_.push_back(Spare{destination, contexts, std::move(association)});
            if (spares_.size() > kept_max) too_many.splice(too_many.end(), spares_, spares_.begin());
        }
        for (Spare& spare : too_many) spare.association->release();
    }

    /// Blocks until the peers have answered, or their time-outs.
    void release_all() {
        std::list<Spare> all;
        {
            const std::lock_guard lock(mutex_);
            all.swap(spares_);
        }
        for (Spare& spare : all) spare.association->release();
    }

    static constexpr std::size_t kept_max = 8;

private:
    struct Spare {
        dicom::Destination destination;
        std::vector<dicom::StorageContext> contexts;
        std::unique_ptr<dicom::SendAssociation> association;
    };

    std::mutex mutex_;
    std::list<Spare> spares_;
    const StopFlag never_{false};
};

}  // namespace quicksilver
