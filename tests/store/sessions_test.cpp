#include "quicksilver/store/sessions.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using namespace std::chrono_literals;

TEST_CASE("The database knows of a session what does not open it", "[store][sessions]") {
    AdministrationFixture f;
    Sessions sessions(*f.administration, {});
    const User anna = f.add("anna");
    const auto made = sessions.begin(anna, "10.0.0.1", "Firefox", f.now);
    CHECK(sessions.find(made.secret, f.now)->second.username == "anna");
    CHECK_FALSE(sessions.find(made.session.id, f.now));
    CHECK_FALSE(sessions.find("", f.now));
    CHECK(f.administration->connection().text("SELECT digest FROM sessions") != made.secret);
}

TEST_CASE("A session ends with its user", "[store][sessions]") {
    AdministrationFixture f;
    Sessions sessions(*f.administration, {});
    Tokens tokens(*f.administration);
    const User anna = f.add("anna");
    const auto session = sessions.begin(anna, "", "", f.now);
    const auto token = tokens.add(anna, "x", {"read"}, f.now + 24h, f.now);
    REQUIRE(tokens.find(token.secret, "", f.now));
    REQUIRE(f.accounts.remove(anna.id).ok());
    CHECK_FALSE(sessions.find(session.secret, f.now));
    CHECK_FALSE(tokens.find(token.secret, "", f.now));
}

TEST_CASE("Expired sessions are forgotten", "[store][sessions]") {
    AdministrationFixture f;
    Sessions sessions(*f.administration, {});
    const User anna = f.add("anna");
    sessions.begin(anna, "", "", f.now);
    const auto kept = sessions.begin(anna, "", "", f.now + 20min);
    sessions.forget_expired(f.now + 40min);
    CHECK(sessions.of_user(anna.id, f.now + 40min).size() == 1);
    CHECK(sessions.find(kept.secret, f.now + 40min));
}

TEST_CASE("A token counts until its end, and with nothing added or left out", "[store][sessions]") {
    AdministrationFixture f;
    Tokens tokens(*f.administration);
    const User anna = f.add("anna");
    const auto made = tokens.add(anna, "x", {"read", "phi"}, f.now + 24h, f.now);
    const auto found = tokens.find(made.secret, "10.0.0.1", f.now);
    REQUIRE(found);
    CHECK(found->token.scopes == std::set<std::string>{"phi", "read"});
    CHECK(found->new_address);
    CHECK_FALSE(tokens.find(made.secret, "10.0.0.1", f.now)->new_address);
    CHECK(tokens.find(made.secret, "10.0.0.2", f.now)->new_address);
    CHECK_FALSE(tokens.find(made.secret + "x", "", f.now));
    CHECK_FALSE(tokens.find(made.secret.substr(0, made.secret.size() - 1), "", f.now));
    CHECK_FALSE(tokens.find(made.secret, "", f.now + 24h));
    CHECK_FALSE(tokens.find("qs_pat_", "", f.now));
}
