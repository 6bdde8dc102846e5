#include "searched_words.hpp"

#include <algorithm>

namespace quicksilver {

namespace {

/// What a trigram index can find.
constexpr std::size_t indexed_letters_min = 3;
constexpr std::string_view separators("\0\t\n\r ", 5);

std::size_t letters_in(std::string_view utf8) {
    return static_cast<std::size_t>(std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

/// `50\%`: what LIKE finds as it stands.
std::string escaped(std::string_view text) {
    std::string pattern;
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern;
}

/// A string of FTS5, in which nothing means anything but a quote.
std::string quoted(std::string_view word) {
    std::string text = "\"";
    for (const char c : word) {
        if (c == '"') text += '"';
        text += c;
    }
    return text + '"';
}

}  // namespace

SearchedWords searched_words(std::string_view text, bool patients) {
    SearchedWords words;
    for (std::size_t begin = 0; (begin = text.find_first_not_of(separators, begin)) != std::string_view::npos;) {
        const std::string_view word = text.substr(begin, text.find_first_of(separators, begin) - begin);
        begin += word.size();
        if (letters_in(word) < indexed_letters_min) {
            words.pattern += (words.pattern.empty() ? "%" : "") + escaped(word) + "%";
        } else {
            words.match += (words.match.empty() ? "" : " AND ") + quoted(word);
        }
    }
    if (!words.match.empty() && !patients) {
        words.match = "{series_uid study_uid tag_seriesdescription tag_studydescription} : (" + words.match + ")";
    }
    return words;
}

}  // namespace quicksilver
