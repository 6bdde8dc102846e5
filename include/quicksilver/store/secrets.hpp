#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// Passwords, tokens and signatures, all by libsodium. Pure but for the random numbers; any thread.
namespace quicksilver::secrets {

/// What one password costs to check: argon2id's memory and passes.
struct HashCost {
    std::size_t memory_bytes = 64 * 1024 * 1024;
    std::uint64_t passes = 3;
};

/// argon2id as a PHC string (`$argon2id$v=19$…`). Takes a fifth of a second and `cost.memory_bytes`.
std::string hash_password(std::string_view password, const HashCost& cost = {});
/// Any argon2 PHC string, also those of mercure's users.json. A hash that cannot be read matches nothing.
bool verify_password(std::string_view hash, std::string_view password);
/// Whether the hash was made with other parameters, so that the next sign-in should make a new one.
bool needs_rehash(std::string_view hash, const HashCost& cost = {});
bool is_argon2(std::string_view hash);
/// A hash that no password matches and that takes as long as a real one: for names that do not exist.
std::string_view hash_of_nobody();

std::string random_bytes(std::size_t count);
/// Random bytes as base64url without padding.
std::string random_text(std::size_t bytes = 32);
/// Of letters and digits that nobody mistakes for each other, for people to type: `K7QM-3XWD-9TFA`.
std::string random_code();
/// SHA-256 in hexadecimal.
std::string digest(std::string_view text);
/// HMAC-SHA-256 as base64url.
std::string signature(std::string_view key, std::string_view text);
/// In a time that does not depend on where they differ.
bool equal(std::string_view a, std::string_view b);

std::string to_base64url(std::string_view bytes);
/// False when `text` is no base64url.
bool from_base64url(std::string_view text, std::string& bytes);

}  // namespace quicksilver::secrets
