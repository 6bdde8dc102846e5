#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/result.hpp"
#include "quicksilver/store/administration.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Each may do what those before it may.
enum class Role { viewer, operate, admin };

/// "viewer", "operator", "admin"
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view name);

struct User {
    std::string id;
    std::string username;
    std::string email;
    Role role = Role::viewer;
    bool phi = false;  ///< may see patient data
    bool disabled = false;
    std::string source = "local";  ///< who knows the password; others than local come with OIDC and LDAP
    bool must_change_password = false;
    bool second_factor = false;      ///< asks for a code beside the password; kept by SecondFactors
    std::string preferences = "{}";  ///< JSON of the interface
    std::int64_t version = 1;        ///< grows with each change of what an administrator sees, for ETags
    std::string created_at;
    std::string last_sign_in_at;  ///< "" = never
};

/// What an administrator may change; nothing = as it is.
struct UserChange {
    std::optional<std::string> username, email;
    std::optional<Role> role;
    std::optional<bool> phi, disabled;
};

/// The table of users. Throws DatabaseError; a Result is an expected refusal. One thread at a time.
class Accounts {
public:
    explicit Accounts(Administration& administration) : connection_(administration.connection()) {}

    std::vector<User> list();
    std::uint64_t count();
    std::optional<User> find(std::string_view id);
    std::optional<User> find_by_name(std::string_view username);
    std::string password_hash(std::string_view id);

    /// Whether the name can be had. Errc::already_exists, or invalid.
    Result<void> may_add(std::string_view username);
    /// `hash` may be empty: nobody can sign in with a password then. Errc::already_exists, or invalid for the name.
    Result<User> add(const User& user, std::string_view hash, WallTime now);
    /// Errc::refused when no administrator who can sign in would be left; not_found, already_exists, invalid.
    Result<User> change(std::string_view id, const UserChange& change, WallTime now);
    /// Errc::refused for the last administrator; not_found.
    Result<void> remove(std::string_view id);
    void set_password(std::string_view id, std::string_view hash, bool must_change, WallTime now);
    void set_preferences(std::string_view id, std::string_view json);
    void signed_in(std::string_view id, WallTime now);

private:
    bool is_last_admin(const User& user);

    database::Connection& connection_;
};

/// 1–64 characters without blanks at the ends and control characters.
Result<void> check_username(std::string_view username);

}  // namespace quicksilver
