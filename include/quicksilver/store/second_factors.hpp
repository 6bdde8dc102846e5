#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/store/administration.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// The second factor of each user: the secret of an authenticator app, and recovery codes for when the phone is lost.
/// Throws DatabaseError. One thread at a time.
class SecondFactors {
public:
    explicit SecondFactors(Administration& administration) : connection_(administration.connection()) {}

    /// A new secret in base32, which counts once it is confirmed. Errc::already_exists while another one counts.
    Result<std::string> begin(std::string_view user_id, WallTime now);
    /// Switches it on when the app shows the right code: the recovery codes, of which only digests are kept.
    /// Errc::already_exists, not_found before begin() or too long after it, invalid for a wrong code.
    Result<std::vector<std::string>> confirm(std::string_view user_id, std::string_view typed, WallTime now);
    /// Whether that is a code of the app or a recovery code. Each is accepted once.
    bool accept(std::string_view user_id, std::string_view typed, WallTime now);
    /// False when there was none.
    bool remove(std::string_view user_id);
    std::size_t recovery_codes_left(std::string_view user_id);

    static constexpr std::size_t recovery_codes = 10;
    static constexpr std::chrono::minutes begun_max{30};  ///< to confirm what was begun

private:
    bool accept_app_code(std::string_view user_id, std::string_view typed, WallTime now);
    bool accept_recovery_code(std::string_view user_id, std::string_view typed);

    database::Connection& connection_;
};

}  // namespace quicksilver
