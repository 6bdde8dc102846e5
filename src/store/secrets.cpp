#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <vector>

namespace quicksilver::secrets {

namespace {

constexpr std::size_t password_length_min = 12;
constexpr std::size_t password_length_max = 128;

/// libsodium picks its fastest code at the first call; afterwards this is one comparison.
void begin() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be used on this machine");
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// "P4ssw0rd!!" → "password": what a guesser tries first.
std::string letters_of(std::string_view password, bool read_digits) {
    std::string letters;
    for (const char c : password) {
        constexpr std::string_view digits = "01345678@$!";
        constexpr std::string_view meant = "oieasgtbasi";
        const auto found = digits.find(c);
        if (read_digits && found != std::string_view::npos) {
            letters += meant[found];
        } else if (c >= 'A' && c <= 'Z') {
            letters += static_cast<char>(c + 32);
        } else if (c >= 'a' && c <= 'z') {
            letters += c;
        }
    }
    return letters;
}

/// Takes the words out of which most guessed passwords are made, again and again.
std::string without_common_words(std::string letters, std::string_view username) {
    std::vector<std::string> words = {
        "administrator", "quicksilver", "password", "passwort", "passwd",   "radiology", "hospital", "welcome",
        "willkommen",    "sunshine",    "princess", "football", "baseball", "superman",  "iloveyou", "trustno",
        "letmein",       "mercure",     "dragon",   "monkey",   "master",   "shadow",    "secret",   "qwerty",
        "qwertz",        "azerty",      "asdfgh",   "yxcvbn",   "zxcvbn",   "router",    "abcdef",   "changeme",
        "change",        "default",     "summer",   "winter",   "spring",   "autumn",    "dicom",    "admin",
        "login",         "hallo",       "hello",    "test",     "root",     "user",      "pacs",     "pass"};
    const std::string name = letters_of(username, false);
    if (name.size() >= 3) words.insert(words.begin(), name);
    for (bool found = true; found;) {
        found = false;
        for (const std::string& word : words) {
            const auto at = letters.find(word);
            if (at == std::string::npos) continue;
            letters.erase(at, word.size());
            found = true;
        }
    }
    return letters;
}

/// Mostly letters, and little is left of them when common words are taken out; with digits for letters, or without.
bool is_common(std::string_view password, std::string_view username) {
    for (const bool read_digits : {false, true}) {
        const std::string letters = letters_of(password, read_digits);
        const std::string rest = without_common_words(letters, username);
        const std::set<char> different(rest.begin(), rest.end());
        if (letters.size() * 2 >= password.size() && different.size() < 4) return true;
    }
    return false;
}

bool is_repetition(std::string_view text) {
    for (std::size_t unit = 1; unit <= text.size() / 2; ++unit) {
        const auto repeats = [&](std::size_t i) { return text[i] == text[i % unit]; };
        std::size_t same = unit;
        while (same < text.size() && repeats(same)) ++same;
        if (same == text.size()) return true;
    }
    return false;
}

/// "abcdefghijkl", "987654321098"
bool is_sequence(std::string_view text) {
    std::size_t up = 0;
    std::size_t down = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        const int step = text[i] - text[i - 1];
        up += step == 1 || step == -9 ? 1 : 0;
        down += step == -1 || step == 9 ? 1 : 0;
    }
    return std::max(up, down) + 2 >= text.size();
}

}  // namespace

std::string hash_password(std::string_view password, const HashCost& cost) {
    begin();
    std::array<char, crypto_pwhash_STRBYTES> hash{};
    if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(), cost.passes, cost.memory_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw std::runtime_error("no memory to hash a password");
    }
    return hash.data();
}

bool verify_password(std::string_view hash, std::string_view password) {
    begin();
    if (!is_argon2(hash) || hash.size() >= crypto_pwhash_STRBYTES) return false;
    // The function reads the whole buffer, whatever the length of the text.
    std::array<char, crypto_pwhash_STRBYTES> text{};
    std::ranges::copy(hash, text.begin());
    return crypto_pwhash_str_verify(text.data(), password.data(), password.size()) == 0;
}

bool needs_rehash(std::string_view hash, const HashCost& cost) {
    begin();
    std::array<char, crypto_pwhash_STRBYTES> text{};
    if (hash.size() >= text.size()) return true;
    std::ranges::copy(hash, text.begin());
    return crypto_pwhash_str_needs_rehash(text.data(), cost.passes, cost.memory_bytes) != 0;
}

bool is_argon2(std::string_view hash) {
    return hash.starts_with("$argon2id$") || hash.starts_with("$argon2i$");
}

std::string_view hash_of_nobody() {
    // The salt and key are zeros; no password is known that gives them.
    return "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
}

Result<void> check_password(std::string_view password, std::string_view username) {
    const auto refused = [](std::string why) { return Error{Errc::invalid, std::move(why)}; };
    if (characters(password) < password_length_min) {
        return refused(
            fmt::format("A password has at least {} characters; a few words make a good one.", password_length_min));
    }
    if (characters(password) > password_length_max) {
        return refused(fmt::format("A password has at most {} characters.", password_length_max));
    }
    const std::set<char> different(password.begin(), password.end());
    const bool few = different.size() < 5 || is_repetition(password) || is_sequence(password);
    if (few || is_common(password, username))
        return refused("This password is among the first that are guessed; use words of your own.");
    return {};
}

std::string random_text(std::size_t bytes) {
    begin();
    std::string random(bytes, '\0');
    randombytes_buf(random.data(), random.size());
    return to_base64url(random);
}

std::string random_code() {
    begin();
    constexpr std::string_view letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    std::string code;
    for (int i = 0; i < 12; ++i) {
        if (i > 0 && i % 4 == 0) code += '-';
        code += letters[randombytes_uniform(static_cast<std::uint32_t>(letters.size()))];
    }
    return code;
}

std::string digest(std::string_view text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), bytes_of(text), text.size());
    std::string hex;
    for (const unsigned char byte : hash) hex += fmt::format("{:02x}", byte);
    return hex;
}

std::string signature(std::string_view key, std::string_view text) {
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
    crypto_auth_hmacsha256_state state{};
    crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
    crypto_auth_hmacsha256_final(&state, mac.data());
    return to_base64url(std::string_view(reinterpret_cast<const char*>(mac.data()), mac.size()));
}

bool equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_base64url(std::string_view bytes) {
    constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), bytes_of(bytes), bytes.size(), variant);
    text.resize(text.size() - 1);  // the terminating zero
    return text;
}

bool from_base64url(std::string_view text, std::string& bytes) {
    bytes.assign(text.size(), '\0');
    std::size_t length = 0;
    const char* end = nullptr;
    const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                         text.size(), nullptr, &length, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (failed != 0 || end != text.data() + text.size()) return false;
    bytes.resize(length);
    return true;
}

}  // namespace quicksilver::secrets
