#include "quicksilver/core/tags.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || c == '"' || c == '\\') {
            out += fmt::format("\\u{:04x}", byte);
        } else {
            out += c;
        }
    }
    out += '"';
}

}  // namespace

Tags::Tags(std::vector<Entry> entries) {
    entries_.reserve(entries.size());
    for (Entry& entry : entries) add(std::move(entry.first), std::move(entry.second));
}

void Tags::add(std::string key, std::string value) {
    const auto position =
        std::lower_bound(by_key_.begin(), by_key_.end(), key,
                         [this](std::size_t i, const std::string& k) { return entries_[i].first < k; });
    const bool repeated = position != by_key_.end() && entries_[*position].first == key;
    entries_.emplace_back(std::move(key), std::move(value));
    if (repeated) {
        *position = entries_.size() - 1;
    } else {
        by_key_.insert(position, entries_.size() - 1);
    }
}

void Tags::set(std::string_view key, std::string value) {
    const auto position = std::lower_bound(by_key_.begin(), by_key_.end(), key,
                                           [this](std::size_t i, std::string_view k) { return entries_[i].first < k; });
    if (position != by_key_.end() && entries_[*position].first == key) {
        entries_[*position].second = std::move(value);
    } else {
        add(std::string(key), std::move(value));
    }
}

const std::string* Tags::find(std::string_view key) const {
    const auto position = std::lower_bound(by_key_.begin(), by_key_.end(), key,
                                           [this](std::size_t i, std::string_view k) { return entries_[i].first < k; });
    if (position == by_key_.end() || entries_[*position].first != key) return nullptr;
    return &entries_[*position].second;
}

const std::string* Tags::find_ignoring_case(std::string_view key) const {
    for (const Entry& entry : entries_) {
        if (equal_ignoring_case(entry.first, key)) return find(entry.first);
    }
    return nullptr;
}

std::string Tags::get(std::string_view key) const {
    const std::string* value = find(key);
    return value ? *value : std::string();
}

std::string to_tags_file(const Tags& tags) {
    std::string out = "{\n";
    bool first = true;
    for (const auto& [key, value] : tags.entries()) {
        if (!first) out += ",\n";
        first = false;
        append_json_string(out, key);
        out += ": ";
        append_json_string(out, value);
    }
    out += "\n}\n";
    return out;
}

}  // namespace quicksilver
