#include "quicksilver/store/accounts.hpp"

#include "quicksilver/store/secrets.hpp"

#include <algorithm>
#include <array>

namespace quicksilver {

using database::Statement;
using database::Transaction;

namespace {

constexpr std::array<std::string_view, 3> role_names = {"viewer", "operator", "admin"};

User read_user(const Statement& row) {
    User user;
    user.id = row.text(0);
    user.username = row.text(1);
    user.email = row.text(2);
    user.role = parse_role(row.text(3)).value_or(Role::viewer);
    user.phi = row.integer(4) != 0;
    user.disabled = row.integer(5) != 0;
    user.source = row.text(6);
    user.must_change_password = row.integer(7) != 0;
    user.preferences = row.text(8);
    user.version = row.integer(9);
    user.created_at = row.text(10);
    user.last_sign_in_at = row.text(11);
    user.second_factor = row.integer(12) != 0;
    return user;
}

Error last_admin() {
    return Error{Errc::refused,
                 "This is the last administrator who can sign in. Make another account an administrator first."};
}

Error no_such_user() {
    return Error{Errc::not_found, "There is no such user."};
}

Error name_taken(const std::string& username) {
    return Error{Errc::already_exists, "There is a user with the name " + username + " already."};
}

}  // namespace

std::string_view to_string(Role role) {
    return role_names.at(static_cast<std::size_t>(role));
}

std::optional<Role> parse_role(std::string_view name) {
    const auto found = std::ranges::find(role_names, name);
    if (found == role_names.end()) return std::nullopt;
    return static_cast<Role>(found - role_names.begin());
}

Result<void> check_username(std::string_view username) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    const bool usable = !username.empty() && username.size() <= 64 && username.front() != ' ' &&
                        username.back() != ' ' && std::ranges::none_of(username, is_control);
    if (usable) return {};
    return Error{Errc::invalid, "A user name has 1 to 64 characters, no blanks at its ends and no control characters."};
}

std::vector<User> Accounts::list() {
    std::vector<User> users;
    auto row = connection_.statement(
        "SELECT id, username, email, role, phi, disabled, source, must_change_password, preferences, version,"
        " created_at, last_sign_in_at, EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed = 1)"
        " FROM users ORDER BY username COLLATE NOCASE");
    while (row.step()) users.push_back(read_user(row));
    return users;
}

std::uint64_t Accounts::count() {
    return static_cast<std::uint64_t>(connection_.number("SELECT COUNT(*) FROM users"));
}

std::optional<User> Accounts::find(std::string_view id) {
    auto row = connection_.statement(
        "SELECT id, username, email, role, phi, disabled, source, must_change_password, preferences, version,"
        " created_at, last_sign_in_at, EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed = 1)"
        " FROM users WHERE id = ?1");
    row.bind(id);
    if (!row.step()) return std::nullopt;
    return read_user(row);
}

std::optional<User> Accounts::find_by_name(std::string_view username) {
    auto row = connection_.statement(
        "SELECT id, username, email, role, phi, disabled, source, must_change_password, preferences, version,"
        " created_at, last_sign_in_at, EXISTS (SELECT 1 FROM second_factors WHERE user_id = users.id AND confirmed = 1)"
        " FROM users WHERE username = ?1");
    row.bind(username);
    if (!row.step()) return std::nullopt;
    return read_user(row);
}

std::string Accounts::password_hash(std::string_view id) {
    auto row = connection_.statement("SELECT password_hash FROM users WHERE id = ?1");
    row.bind(id);
    return row.step() ? row.text(0) : std::string();
}

Result<void> Accounts::may_add(std::string_view username) {
    if (auto usable = check_username(username); !usable) return usable;
    if (find_by_name(username)) return name_taken(std::string(username));
    return {};
}

Result<User> Accounts::add(const User& user, std::string_view hash, WallTime now) {
    Transaction transaction(connection_);
    if (auto free = may_add(user.username); !free) return free.error();
    const std::string id = secrets::random_text(12);
    const std::string time = rfc3339(now);
    connection_
        .statement(
            "INSERT INTO users (id, username, email, role, phi, disabled, source, password_hash, must_change_password,"
            " preferences, version, created_at, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, ?11,"
            " ?11)")
        .bind(id, user.username, user.email, to_string(user.role), int{user.phi}, int{user.disabled}, user.source, hash,
              int{user.must_change_password}, user.preferences, time)
        .run();
    transaction.commit();
    return *find(id);
}

Result<User> Accounts::change(std::string_view id, const UserChange& change, WallTime now) {
    if (change.username) {
        if (auto usable = check_username(*change.username); !usable) return usable.error();
    }
    Transaction transaction(connection_);
    const auto before = find(id);
    if (!before) return no_such_user();
    User after = *before;
    after.username = change.username.value_or(before->username);
    after.email = change.email.value_or(before->email);
    after.role = change.role.value_or(before->role);
    after.phi = change.phi.value_or(before->phi);
    after.disabled = change.disabled.value_or(before->disabled);
    if ((after.role != Role::admin || after.disabled) && is_last_admin(*before)) return last_admin();
    const auto namesake = find_by_name(after.username);
    if (namesake && namesake->id != id) return name_taken(after.username);
    connection_
        .statement(
            "UPDATE users SET username = ?2, email = ?3, role = ?4, phi = ?5, disabled = ?6, version = version + 1,"
            " changed_at = ?7 WHERE id = ?1")
        .bind(id, after.username, after.email, to_string(after.role), int{after.phi}, int{after.disabled}, rfc3339(now))
        .run();
    transaction.commit();
    return *find(id);
}

Result<void> Accounts::remove(std::string_view id) {
    Transaction transaction(connection_);
    const auto user = find(id);
    if (!user) return no_such_user();
    if (is_last_admin(*user)) return last_admin();
    connection_.statement("DELETE FROM users WHERE id = ?1").bind(id).run();
    transaction.commit();
    return {};
}

void Accounts::set_password(std::string_view id, std::string_view hash, bool must_change, WallTime now) {
    connection_
        .statement(
            "UPDATE users SET password_hash = ?2, must_change_password = ?3, version = version + 1, changed_at = ?4"
            " WHERE id = ?1")
        .bind(id, hash, int{must_change}, rfc3339(now))
        .run();
}

void Accounts::set_preferences(std::string_view id, std::string_view json) {
    connection_.statement("UPDATE users SET preferences = ?2 WHERE id = ?1").bind(id, json).run();
}

void Accounts::signed_in(std::string_view id, WallTime now) {
    connection_.statement("UPDATE users SET last_sign_in_at = ?2, version = version + 1 WHERE id = ?1")
        .bind(id, rfc3339(now))
        .run();
}

bool Accounts::is_last_admin(const User& user) {
    if (user.role != Role::admin || user.disabled) return false;
    auto row = connection_.statement(
        "SELECT COUNT(*) FROM users WHERE role = 'admin' AND disabled = 0 AND password_hash <> '' AND id <> ?1");
    row.bind(user.id);
    return row.step() && row.integer(0) == 0;
}

}  // namespace quicksilver
