#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quicksilver {

/// The tags of an instance as rules see them: keyword → text, in the order of mercure's `.tags` file.
/// A key may stand twice (mercure writes Modality twice); the last one counts, as for every JSON reader.
class Tags {
public:
    using Entry = std::pair<std::string, std::string>;

    Tags() = default;
    explicit Tags(std::vector<Entry> entries);

    void add(std::string key, std::string value);
    /// Replaces the value of the last entry of that key, or adds one.
    void set(std::string_view key, std::string value);

    /// Exactly this key; null when it is absent.
    const std::string* find(std::string_view key) const;
    /// This key whatever its case of ASCII letters; null when it is absent.
    const std::string* find_ignoring_case(std::string_view key) const;
    /// The value, or "" when it is absent.
    std::string get(std::string_view key) const;
    bool contains(std::string_view key) const { return find(key) != nullptr; }

    const std::vector<Entry>& entries() const { return entries_; }
    bool empty() const { return entries_.empty(); }

private:
    std::vector<Entry> entries_;
    std::vector<std::size_t> by_key_;  // indices of the last entry of each key, sorted by key
};

/// The text of mercure's `.tags` file: one JSON object, all values strings, in order, `"`, `\` and control characters
/// as \u00xx (contract §2).
std::string to_tags_file(const Tags& tags);

}  // namespace quicksilver
