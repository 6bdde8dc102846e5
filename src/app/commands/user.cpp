#include "quicksilver/store/accounts.hpp"
#include "quicksilver/store/audit.hpp"
#include "quicksilver/store/mercure_users.hpp"
#include "quicksilver/store/password_rules.hpp"
#include "quicksilver/store/second_factors.hpp"
#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/sessions.hpp"

#include "commands.hpp"
#include "secret_input.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace quicksilver {

namespace {

struct UserOptions {
    ConfigOptions config;
    std::string name;
    std::string role = "viewer";
    std::string email;
    bool admin = false;
    bool phi = false;
    bool no_phi = false;
    bool json = false;
    std::string file;
    std::vector<std::string> scopes = {"read"};
    int days = 90;
};

WallTime now() {
    return std::chrono::system_clock::now();
}

/// The database, made when the server has not run yet. Another user's would be left with files the server cannot write.
Result<std::unique_ptr<Administration>> open_administration(const UserOptions& options) {
    auto resolved = resolve(options.config);
    if (!resolved) return resolved.error();
    const std::filesystem::path folder = resolved->sources.data;
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0 && status.st_uid != ::geteuid()) {
        return Error{Errc::refused, fmt::format("{} belongs to another user (uid {}); run this as that user",
                                                folder.string(), status.st_uid)};
    }
    return Administration::open(administration_file(folder / "db" / "quicksilver.sqlite"));
}

void audit(Administration& administration, const std::string& action, const std::string& name,
           const std::string& what = "") {
    AuditEntry entry;
    entry.user = "(command line)";
    entry.action = action;
    entry.object = "/users/" + name + what;
    entry.outcome = "done";
    AuditLog(administration).add(entry, now());
}

/// For the audit, beside whose they are.
std::string rights(const User& user) {
    return fmt::format(": role {}, phi {}", to_string(user.role), user.phi);
}

/// Runs one command on the database; whatever goes wrong is one line on stderr.
int with_administration(const UserOptions& options, const std::function<int(Administration&)>& run) {
    auto administration = open_administration(options);
    if (!administration) return fail(administration.error().message);
    try {
        return run(**administration);
    } catch (const database::DatabaseError& failed) {
        return fail(failed.what());
    }
}

Result<User> find(Administration& administration, const std::string& name) {
    auto user = Accounts(administration).find_by_name(name);
    if (!user) return Error{Errc::not_found, fmt::format("there is no user {}; `user list` shows all", name)};
    return *std::move(user);
}

Result<std::string> read_hash(const std::string& username) {
    auto password = read_secret("Password");
    if (!password) return password.error();
    if (auto good = check_password(*password, username); !good) return good.error();
    return secrets::hash_password(*password);
}

int add(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        User user;
        user.username = options.name;
        user.email = options.email;
        user.role = options.admin ? Role::admin : *parse_role(options.role);
        user.phi = options.phi || options.admin;
        Accounts accounts(administration);
        if (accounts.find_by_name(user.username)) return fail("there is a user " + user.username + " already");
        const auto hash = read_hash(user.username);
        if (!hash) return fail(hash.error().message);
        const auto made = accounts.add(user, *hash, now());
        if (!made) return fail(made.error().message);
        audit(administration, "addUser", user.username, rights(*made));
        fmt::print("{} may now sign in as {}{}\n", made->username, to_string(made->role),
                   made->phi ? " and sees patient data" : "");
        return 0;
    });
}

int list(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        nlohmann::ordered_json users = nlohmann::ordered_json::array();
        for (const User& user : Accounts(administration).list()) {
            users.push_back({{"username", user.username},
                             {"email", user.email},
                             {"role", to_string(user.role)},
                             {"phi", user.phi},
                             {"disabled", user.disabled},
                             {"second_factor", user.second_factor},
                             {"last_sign_in_at", user.last_sign_in_at}});
            if (options.json) continue;
            fmt::print("{:<24} {:<10}{}{}{}  {}\n", user.username, to_string(user.role), user.phi ? " patients" : "",
                       user.disabled ? " disabled" : "", user.second_factor ? " second factor" : "",
                       user.last_sign_in_at.empty() ? "never signed in" : user.last_sign_in_at);
        }
        if (options.json) fmt::print("{}\n", users.dump(2));
        return 0;
    });
}

int set_password(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        const auto user = find(administration, options.name);
        if (!user) return fail(user.error().message);
        const auto hash = read_hash(user->username);
        if (!hash) return fail(hash.error().message);
        Accounts(administration).set_password(user->id, *hash, false, now());
        Sessions(administration, {}).end_all(user->id);
        audit(administration, "resetPassword", user->username);
        fmt::print("{} has a new password and is signed out everywhere\n", user->username);
        return 0;
    });
}

int reset_second_factor(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        const auto user = find(administration, options.name);
        if (!user) return fail(user.error().message);
        if (!SecondFactors(administration).remove(user->id)) return fail(user->username + " has no second factor");
        Sessions(administration, {}).end_all(user->id);
        audit(administration, "resetSecondFactor", user->username);
        fmt::print("{} signs in with the password alone now, and is signed out everywhere\n", user->username);
        return 0;
    });
}

int set_role(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        const auto user = find(administration, options.name);
        if (!user) return fail(user.error().message);
        UserChange change;
        change.role = parse_role(options.role);
        if (options.phi || options.no_phi) change.phi = options.phi;
        const auto changed = Accounts(administration).change(user->id, change, now());
        if (!changed) return fail(changed.error().message);
        Sessions(administration, {}).end_all(user->id);
        audit(administration, "patchUser", user->username, rights(*changed));
        fmt::print("{} is {} now{}\n", changed->username, to_string(changed->role),
                   changed->phi ? " and sees patient data" : "");
        return 0;
    });
}

int remove(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        const auto user = find(administration, options.name);
        if (!user) return fail(user.error().message);
        const auto removed = Accounts(administration).remove(user->id);
        if (!removed) return fail(removed.error().message);
        audit(administration, "removeUser", user->username);
        return 0;
    });
}

int make_token(const UserOptions& options) {
    return with_administration(options, [&](Administration& administration) {
        const auto user = find(administration, options.name);
        if (!user) return fail(user.error().message);
        const std::set<std::string> scopes(options.scopes.begin(), options.scopes.end());
        const auto made =
            Tokens(administration)
                .add(*user, "made on the command line", scopes, now() + std::chrono::hours(24 * options.days), now());
        audit(administration, "addMyToken", user->username);
        fmt::print("{}\n", made.secret);
        return 0;
    });
}

int import(const UserOptions& options) {
    std::ifstream in(options.file, std::ios::binary);
    if (!in) return fail("cannot read " + options.file);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const auto users = parse_mercure_users(text);
    if (!users) return fail(options.file + ": " + users.error().message);
    return with_administration(options, [&](Administration& administration) {
        for (const MercureUser& one : *users) {
            const auto made = Accounts(administration).add(one.user, one.hash, now());
            if (made) audit(administration, "addUser", one.user.username, rights(*made));
            fmt::print("{:<24} {}\n", one.user.username,
                       !made                ? "left out: " + made.error().message
                       : one.remark.empty() ? fmt::format("imported as {}", to_string(made->role))
                                            : "imported; " + one.remark);
        }
        return 0;
    });
}

int hash_only() {
    const auto hash = read_hash("");
    if (!hash) return fail(hash.error().message);
    fmt::print("{}\n", *hash);
    return 0;
}

}  // namespace

void add_user_command(CLI::App& app, int& status) {
    auto* command = app.add_subcommand("user", "Accounts of the web interface, also while the server runs");
    command->require_subcommand(1);
    const auto options = std::make_shared<UserOptions>();
    const auto subcommand = [&](const char* name, const char* help, int (*run)(const UserOptions&)) {
        auto* made = command->add_subcommand(name, help);
        options->config.add_to(*made);
        made->callback([options, run, &status] { status = run(*options); });
        return made;
    };
    const auto named = [&](CLI::App* made) {
        made->add_option("NAME", options->name, "Name of the user")->required();
        return made;
    };
    const CLI::IsMember roles({"viewer", "operator", "admin"});

    auto* adding = named(subcommand("add", "Make an account; asks for the password, or reads it from stdin", add));
    adding->add_option("--role", options->role, "viewer, operator or admin")->check(roles);
    adding->add_flag("--admin", options->admin, "The role admin, with patient data");
    adding->add_flag("--phi", options->phi, "May see patient data");
    adding->add_option("--email", options->email, "E-mail address");
    subcommand("list", "All accounts", list)->add_flag("--json", options->json, "For machines");
    named(subcommand("set-password", "Set a password; asks for it, or reads it from stdin", set_password));
    named(subcommand("reset-second-factor", "Remove the second factor of who has lost theirs", reset_second_factor));
    auto* role = named(subcommand("set-role", "Change what a user may do", set_role));
    role->add_option("ROLE", options->role, "viewer, operator or admin")->required()->check(roles);
    role->add_flag("--phi", options->phi, "May see patient data");
    role->add_flag("--no-phi", options->no_phi, "May not see patient data");
    named(subcommand("delete", "Remove an account", remove));
    auto* token = named(subcommand("token", "Make a token for a program, which acts as this user", make_token));
    token->add_option("--scope", options->scopes, "read, operate, configure, admin, ingest, metrics, phi")
        ->check(CLI::IsMember(token_scopes()));
    token->add_option("--days", options->days, "How long it is valid")->check(CLI::Range(1, 366));
    subcommand("import", "Take over the accounts of mercure's users.json", import)
        ->add_option("FILE", options->file, "users.json")
        ->required();
    auto* hash = command->add_subcommand("hash", "Hash a password for QUICKSILVER_ADMIN_PASSWORD_HASH");
    hash->callback([&status] { status = hash_only(); });
}

}  // namespace quicksilver
