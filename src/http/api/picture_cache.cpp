#include "picture_cache.hpp"

namespace quicksilver::api {

std::shared_ptr<const std::string> PictureCache::find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->second;
}

void PictureCache::add(const std::string& key, std::shared_ptr<const std::string> picture) {
    const std::lock_guard lock(mutex_);
    if (by_key_.contains(key)) return;
    by_use_.emplace_front(key, std::move(picture));
    by_key_[key] = by_use_.begin();
    bytes_ += cost_of(by_use_.front());
    while (bytes_ > bytes_max_ && !by_use_.empty()) {
        bytes_ -= cost_of(by_use_.back());
        by_key_.erase(by_use_.back().first);
        by_use_.pop_back();
    }
}

std::size_t PictureCache::bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
}

}  // namespace quicksilver::api
