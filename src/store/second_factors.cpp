#include "quicksilver/store/second_factors.hpp"

#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/totp.hpp"

#include <optional>

namespace quicksilver {

using database::Transaction;

namespace {

constexpr std::size_t secret_bytes = 20;  // as long as a SHA-1, which RFC 4226 §4 recommends

/// As the codes are compared: a person may leave out the hyphens and the shift key.
std::string canonical(std::string_view typed) {
    std::string code;
    for (const char c : typed) {
        if (c == '-' || c == ' ') continue;
        code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    }
    return code;
}

struct Row {
    std::string secret;  // bytes
    bool confirmed = false;
    std::string begun_at;
    std::int64_t last_step = 0;
};

std::optional<Row> find(database::Connection& connection, std::string_view user_id) {
    auto found =
        connection.statement("SELECT secret, confirmed, begun_at, last_step FROM second_factors WHERE user_id = ?1");
    found.bind(user_id);
    if (!found.step()) return std::nullopt;
    Row row;
    row.secret = totp::from_base32(found.text(0)).value_or("");
    row.confirmed = found.integer(1) != 0;
    row.begun_at = found.text(2);
    row.last_step = found.integer(3);
    return row;
}

/// What an administrator sees of the user has changed.
void grow_version(database::Connection& connection, std::string_view user_id) {
    connection.statement("UPDATE users SET version = version + 1 WHERE id = ?1").bind(user_id).run();
}

Error on_already() {
    return Error{Errc::already_exists, "There is a second factor already; remove it first."};
}

}  // namespace

Result<std::string> SecondFactors::begin(std::string_view user_id, WallTime now) {
    Transaction transaction(connection_);
    const auto before = find(connection_, user_id);
    if (before && before->confirmed) return on_already();
    const std::string secret = totp::to_base32(secrets::random_bytes(secret_bytes));
    connection_
        .statement(
            "INSERT OR REPLACE INTO second_factors (user_id, secret, confirmed, begun_at, last_step)"
            " VALUES (?1, ?2, 0, ?3, 0)")
        .bind(user_id, secret, rfc3339(now))
        .run();
    transaction.commit();
    return secret;
}

Result<std::vector<std::string>> SecondFactors::confirm(std::string_view user_id, std::string_view typed,
                                                        WallTime now) {
    Transaction transaction(connection_);
    const auto begun = find(connection_, user_id);
    if (begun && begun->confirmed) return on_already();
    if (!begun || begun->begun_at < rfc3339(now - begun_max)) {
        return Error{Errc::not_found, "No second factor was begun lately; begin it first."};
    }
    const auto step = totp::matching_step(begun->secret, canonical(typed), now, begun->last_step);
    if (!step) return Error{Errc::invalid, "This is not the code that the app shows now."};
    connection_.statement("UPDATE second_factors SET confirmed = 1, last_step = ?2 WHERE user_id = ?1")
        .bind(user_id, *step)
        .run();
    std::vector<std::string> codes;
    for (std::size_t i = 0; i < recovery_codes; ++i) {
        codes.push_back(secrets::random_code());
        connection_.statement("INSERT INTO recovery_codes (user_id, digest) VALUES (?1, ?2)")
            .bind(user_id, secrets::digest(canonical(codes.back())))
            .run();
    }
    grow_version(connection_, user_id);
    transaction.commit();
    return codes;
}

bool SecondFactors::accept(std::string_view user_id, std::string_view typed, WallTime now) {
    Transaction transaction(connection_);
    const bool accepted = accept_app_code(user_id, typed, now) || accept_recovery_code(user_id, typed);
    if (accepted) transaction.commit();
    return accepted;
}

bool SecondFactors::accept_app_code(std::string_view user_id, std::string_view typed, WallTime now) {
    const auto factor = find(connection_, user_id);
    if (!factor || !factor->confirmed) return false;
    const auto step = totp::matching_step(factor->secret, canonical(typed), now, factor->last_step);
    if (!step) return false;
    connection_.statement("UPDATE second_factors SET last_step = ?2 WHERE user_id = ?1").bind(user_id, *step).run();
    return true;
}

bool SecondFactors::accept_recovery_code(std::string_view user_id, std::string_view typed) {
    connection_.statement("DELETE FROM recovery_codes WHERE user_id = ?1 AND digest = ?2")
        .bind(user_id, secrets::digest(canonical(typed)))
        .run();
    return connection_.number("SELECT changes()") > 0;
}

bool SecondFactors::remove(std::string_view user_id) {
    Transaction transaction(connection_);
    const auto factor = find(connection_, user_id);
    if (!factor) return false;
    connection_.statement("DELETE FROM recovery_codes WHERE user_id = ?1").bind(user_id).run();
    connection_.statement("DELETE FROM second_factors WHERE user_id = ?1").bind(user_id).run();
    grow_version(connection_, user_id);
    transaction.commit();
    return factor->confirmed;
}

std::size_t SecondFactors::recovery_codes_left(std::string_view user_id) {
    auto row = connection_.statement("SELECT COUNT(*) FROM recovery_codes WHERE user_id = ?1");
    row.bind(user_id);
    return row.step() ? static_cast<std::size_t>(row.integer(0)) : 0;
}

}  // namespace quicksilver
