#include "quicksilver/store/secrets.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace quicksilver::secrets {

namespace {

/// libsodium picks its fastest code at the first call; afterwards this is one comparison.
void begin() {
    if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be used on this machine");
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
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

std::string random_bytes(std::size_t count) {
    begin();
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

std::string random_text(std::size_t bytes) {
    return to_base64url(random_bytes(bytes));
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
