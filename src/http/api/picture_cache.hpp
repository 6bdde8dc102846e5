#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace quicksilver::api {

/// Keeps what was used last, up to a size. An empty picture is kept too: it says that there is none. Any thread.
class PictureCache {
public:
    explicit PictureCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    /// Null when it is not here.
    std::shared_ptr<const std::string> find(const std::string& key);
    void add(const std::string& key, std::shared_ptr<const std::string> picture);
    std::size_t bytes() const;

private:
    using Entry = std::pair<std::string, std::shared_ptr<const std::string>>;

    static std::size_t cost_of(const Entry& entry) { return entry.first.size() + entry.second->size() + 200; }

    const std::size_t bytes_max_;
    mutable std::mutex mutex_;  // guards the rest
    std::list<Entry> by_use_;   // the last used first
    std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
    std::size_t bytes_ = 0;
};

}  // namespace quicksilver::api
