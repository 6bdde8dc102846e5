#pragma once

#include "quicksilver/store/accounts.hpp"
#include "quicksilver/store/administration.hpp"

#include "support/temporary_folder.hpp"

#include <memory>
#include <string>

namespace quicksilver::test {

/// A database of accounts and a time at which things happen.
struct AdministrationFixture {
    TemporaryFolder folder;
    std::filesystem::path file = folder / "administration.sqlite";
    std::unique_ptr<Administration> administration = *Administration::open(file);
    Accounts accounts{*administration};
    WallTime now{std::chrono::seconds(1'790'000'000)};

    User add(const std::string& name, Role role = Role::viewer) {
        User user;
        user.username = name;
        user.role = role;
        return *accounts.add(user, "$argon2id$x", now);
    }
};

}  // namespace quicksilver::test
