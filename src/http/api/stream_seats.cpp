#include "stream_seats.hpp"

#include <utility>

namespace quicksilver::api {

StreamSeats::Seat StreamSeats::take(const std::string& owner) {
    const auto of_owner = counts_->find(owner);
    if (of_owner != counts_->end() && of_owner->second >= of_one_max) return nullptr;
    if (taken() >= all_max) return nullptr;
    struct Taken {
        std::shared_ptr<Counts> counts;
        std::string owner;
        Taken(std::shared_ptr<Counts> of, std::string by) : counts(std::move(of)), owner(std::move(by)) {
            ++(*counts)[owner];
        }
        ~Taken() {
            if (--(*counts)[owner] == 0) counts->erase(owner);
        }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
    };
    return std::make_shared<const Taken>(counts_, owner);
}

std::size_t StreamSeats::taken() const {
    std::size_t all = 0;
    for (const auto& [owner, count] : *counts_) all += count;
    return all;
}

}  // namespace quicksilver::api
