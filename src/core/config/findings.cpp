#include "findings.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace quicksilver {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Insertions, deletions, replacements and exchanges of neighbours, whatever the case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0u : 1u)});
            const bool exchanged =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
    }
    return last[b.size()];
}

}  // namespace

std::string child_path(std::string_view parent, std::string_view name) {
    const bool plain = !name.empty() && name.find_first_of(".[]\"") == std::string_view::npos;
    if (!plain) return fmt::format("{}[{}]", parent, in_quotes(name));
    return parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name);
}

std::string path_text(const std::vector<std::string>& path) {
    std::string text;
    for (const std::string& name : path) text = child_path(text, name);
    return text;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
    constexpr std::size_t longest_word = 64;
    if (word.size() > longest_word) return "";
    std::size_t best_distance = 1 + std::max<std::size_t>(1, word.size() / 4);
    std::string_view best;
    for (const std::string_view candidate : candidates) {
        if (word.size() >= candidate.size() + best_distance || candidate.size() >= word.size() + best_distance)
            continue;
        const std::size_t distance = edit_distance(word, candidate);
        // A distance as long as the word itself means that nothing of it is left.
        if (distance >= best_distance || distance >= candidate.size()) continue;
        best_distance = distance;
        best = candidate;
    }
    return best.empty() ? "" : fmt::format("; did you mean {}?", best);
}

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 60;
    std::string result = "\"";
    for (const char c : text.substr(0, longest)) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    // Not in the middle of a UTF-8 character.
    if (text.size() > longest) {
        while (result.size() > 1 && (static_cast<unsigned char>(result.back()) & 0xC0) == 0x80) result.pop_back();
        if (static_cast<unsigned char>(result.back()) >= 0xC0) result.pop_back();
        result += "…";
    }
    return result + "\"";
}

void Findings::add(ProblemSeverity severity, std::string path, std::string message) {
    std::size_t& count = counts_[static_cast<std::size_t>(severity)];
    if (++count > each_max + 1) return;
    if (count == each_max + 1) {
        path.clear();
        message = fmt::format("more than {} findings like these; the rest is left out", each_max);
    }
    all_.push_back({severity, std::move(path), std::move(message)});
}

}  // namespace quicksilver
