#include "quicksilver/store/accounts.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A user is found by id and by name, whatever the case", "[store][accounts]") {
    AdministrationFixture f;
    const User anna = f.add("Anna", Role::admin);
    CHECK(f.accounts.find(anna.id)->username == "Anna");
    CHECK(f.accounts.find_by_name("aNNA")->id == anna.id);
    CHECK_FALSE(f.accounts.find_by_name("berta"));
    CHECK(f.accounts.password_hash(anna.id) == "$argon2id$x");
    CHECK(f.accounts.count() == 1);
}

TEST_CASE("Two users never have one name", "[store][accounts]") {
    AdministrationFixture f;
    f.add("anna");
    const User berta = f.add("berta");
    User again;
    again.username = "ANNA";
    CHECK(f.accounts.add(again, "", f.now).error().code == Errc::already_exists);
    UserChange change;
    change.username = "Anna";
    CHECK(f.accounts.change(berta.id, change, f.now).error().code == Errc::already_exists);
    change.username = "BERTA";
    CHECK(f.accounts.change(berta.id, change, f.now)->username == "BERTA");
}

TEST_CASE("Names that nobody could tell apart or type are refused", "[store][accounts]") {
    for (const std::string& name : {std::string(), std::string(" anna"), std::string("anna "), std::string("an\nna"),
                                    std::string("an\0na", 5), std::string(65, 'x')}) {
        CHECK_FALSE(check_username(name).ok());
    }
    CHECK(check_username("Dr. Jürgen Müller").ok());
}

TEST_CASE("Each change of what an administrator sees grows the version", "[store][accounts]") {
    AdministrationFixture f;
    const User anna = f.add("anna");
    UserChange change;
    change.role = Role::operate;
    change.phi = true;
    const auto changed = f.accounts.change(anna.id, change, f.now);
    CHECK(changed->version == 2);
    CHECK(changed->role == Role::operate);
    CHECK(changed->phi);
    CHECK_FALSE(changed->disabled);
    CHECK(f.accounts.change("nobody", change, f.now).error().code == Errc::not_found);
    f.accounts.set_password(anna.id, "$argon2id$y", true, f.now);
    CHECK(f.accounts.find(anna.id)->version == 3);
    f.accounts.signed_in(anna.id, f.now);
    CHECK(f.accounts.find(anna.id)->version == 4);
}

TEST_CASE("One administrator who can sign in always stays", "[store][accounts]") {
    AdministrationFixture f;
    const User anna = f.add("anna", Role::admin);
    UserChange demote;
    demote.role = Role::operate;
    UserChange disable;
    disable.disabled = true;
    CHECK(f.accounts.change(anna.id, demote, f.now).error().code == Errc::refused);
    CHECK(f.accounts.change(anna.id, disable, f.now).error().code == Errc::refused);
    CHECK(f.accounts.remove(anna.id).error().code == Errc::refused);
    const User berta = f.add("berta", Role::admin);
    REQUIRE(f.accounts.change(berta.id, disable, f.now).ok());
    CHECK(f.accounts.remove(anna.id).error().code == Errc::refused);
    disable.disabled = false;
    REQUIRE(f.accounts.change(berta.id, disable, f.now).ok());
    CHECK(f.accounts.remove(anna.id).ok());
}
