#include "quicksilver/store/password_rules.hpp"

#include "password_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace quicksilver {

namespace {

constexpr std::size_t length_min = 12;
constexpr std::size_t length_max = 128;
/// A thousand million guesses: more than the limits of signing in let anybody try in years.
constexpr double bits_min = 30;

// What a guesser who knows the habits of people needs for one part of a password; in bits.
constexpr double bits_of_word = 9;
constexpr double bits_of_username = 2;
constexpr double bits_of_capitals = 1;
constexpr double bits_of_disguise = 1.5;  // P4ssw0rd, drowssap
constexpr double bits_of_year = 6;
constexpr double bits_of_run = 7;   // abcdef, 4321, asdfgh
constexpr double bits_of_copy = 4;  // of what stands before
constexpr std::size_t run_length_min = 3;

constexpr std::array<std::string_view, 13> rows = {"abcdefghijklmnopqrstuvwxyz",
                                                   "01234567890",
                                                   "qwertyuiop",
                                                   "qwertzuiop",
                                                   "azertyuiop",
                                                   "asdfghjkl",
                                                   "zxcvbnm",
                                                   "yxcvbnm",
                                                   "wxcvbn",
                                                   "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
                                                   "1qay2wsx3edc4rfv5tgb6zhn",
                                                   "!@#$%^&*()",
                                                   "qazwsxedcrfvtgb"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_inside_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t characters(std::string_view text) {
    return text.size() - static_cast<std::size_t>(std::ranges::count_if(text, is_inside_character));
}

std::string lower(std::string_view text) {
    std::string small(text);
    std::ranges::transform(small, small.begin(), [](char c) { return lower(c); });
    return small;
}

/// Whether people write this for that letter.
bool stands_for(char written, char letter) {
    constexpr std::string_view pairs = "0o 1i 1l 3e 4a 5s 6g 7t 8b 9g @a $s !i !l |l +t";
    for (std::size_t i = 0; i < pairs.size(); i += 3) {
        if (pairs[i] == written && pairs[i + 1] == letter) return true;
    }
    return false;
}

double bits_of_character(char c) {
    if (is_inside_character(c)) return 0;
    if (is_digit(c) || c == ' ') return 2.5;
    if (c >= 'a' && c <= 'z') return 3.5;
    return 4.5;
}

/// The cheapest way to put a password together out of parts, as a guesser would.
class Guesser {
public:
    Guesser(std::string_view password, std::string_view username)
        : password_(password),
          small_(lower(password)),
          username_(lower(username)),
          bits_(password.size() + 1, std::numeric_limits<double>::infinity()) {
        bits_[0] = 0;
    }

    double bits() {
        for (std::size_t at = 0; at < small_.size(); ++at) {
            take(at, 1, bits_of_character(password_[at]));
            take_words(at);
            take_run(at);
            take_copy(at);
            take_year(at);
        }
        return bits_.back();
    }

private:
    void take(std::size_t at, std::size_t length, double bits) {
        double& sum = bits_[at + length];
        sum = std::min(sum, bits_[at] + bits);
    }

    void take_words(std::size_t at) {
        for (const std::string_view word : password_words()) take_word(at, word, bits_of_word);
        if (username_.size() >= run_length_min) take_word(at, username_, bits_of_username);
    }

    void take_word(std::size_t at, std::string_view word, double bits) {
        if (at + word.size() > small_.size()) return;
        const std::string_view here = std::string_view(small_).substr(at, word.size());
        bool plain = true;
        bool forwards = true;
        bool backwards = true;
        for (std::size_t i = 0; i < word.size() && (forwards || backwards); ++i) {
            forwards = forwards && (here[i] == word[i] || stands_for(here[i], word[i]));
            backwards = backwards && here[i] == word[word.size() - 1 - i];
            plain = plain && here[i] == word[i];
        }
        if (!forwards && !backwards) return;
        const bool capitals = here != password_.substr(at, word.size());
        take(at, word.size(), bits + (capitals ? bits_of_capitals : 0) + (plain ? 0 : bits_of_disguise));
    }

    /// Along the alphabet, the digits or the keyboard, in either direction; or one character again and again.
    void take_run(std::size_t at) {
        const std::string_view rest = std::string_view(small_).substr(at);
        std::size_t longest = std::min(rest.find_first_not_of(rest.front()), rest.size());
        for (const std::string_view row : rows) {
            for (std::size_t begin = row.find(rest.front()); begin != std::string_view::npos;
                 begin = row.find(rest.front(), begin + 1)) {
                std::size_t up = 1;
                std::size_t down = 1;
                while (up < rest.size() && begin + up < row.size() && rest[up] == row[begin + up]) ++up;
                while (down < rest.size() && down <= begin && rest[down] == row[begin - down]) ++down;
                longest = std::max({longest, up, down});
            }
        }
        for (std::size_t length = run_length_min; length <= longest; ++length) take(at, length, bits_of_run);
    }

    void take_copy(std::size_t at) {
        const std::string_view before = std::string_view(small_).substr(0, at);
        for (std::size_t length = 2; at + length <= small_.size(); ++length) {
            if (before.find(std::string_view(small_).substr(at, length)) == std::string_view::npos) return;
            take(at, length, bits_of_copy);
        }
    }

    void take_year(std::size_t at) {
        const std::string_view year = std::string_view(small_).substr(at, 4);
        const bool is_year = year.size() == 4 && std::ranges::all_of(year, is_digit) &&
                             (year.starts_with("19") || year.starts_with("20"));
        if (is_year) take(at, year.size(), bits_of_year);
    }

    std::string_view password_;
    std::string small_;
    std::string username_;
    std::vector<double> bits_;  // of the first so many bytes
};

}  // namespace

double guess_bits(std::string_view password, std::string_view username) {
    return Guesser(password, username).bits();
}

Result<void> check_password(std::string_view password, std::string_view username) {
    const auto refused = [](std::string why) { return Error{Errc::invalid, std::move(why)}; };
    if (characters(password) < length_min) {
        return refused(fmt::format("A password has at least {} characters; a few words make a good one.", length_min));
    }
    if (characters(password) > length_max) {
        return refused(fmt::format("A password has at most {} characters.", length_max));
    }
    if (guess_bits(password, username) < bits_min) {
        return refused("This password is among the first that are guessed; use words of your own.");
    }
    return {};
}

}  // namespace quicksilver
