#include "quicksilver/store/mercure_users.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("mercure's users keep their passwords and what they could do", "[store][users]") {
    const auto users = parse_mercure_users(R"({
        "admin": {"email": "a@example.org", "password": "$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
                  "is_admin": "True", "change_password": "False"},
        "reader": {"password": "$argon2i$v=19$m=512,t=2,p=2$c2FsdA$aGFzaA", "is_admin": "False",
                   "change_password": "True", "permissions": ""},
        "old": {"password": "$6$rounds=656000$x$y", "is_admin": false}})");
    REQUIRE(users.ok());
    REQUIRE(users->size() == 3);
    CHECK((*users)[0].user.role == Role::admin);
    CHECK((*users)[0].user.email == "a@example.org");
    CHECK((*users)[0].hash.starts_with("$argon2id$"));
    CHECK_FALSE((*users)[0].user.must_change_password);
    CHECK((*users)[1].user.role == Role::operate);
    CHECK((*users)[1].user.phi);
    CHECK((*users)[1].user.must_change_password);
    CHECK((*users)[2].hash.empty());
    CHECK_FALSE((*users)[2].remark.empty());
}

TEST_CASE("What is no users.json is refused", "[store][users]") {
    for (const char* text : {"", "[]", "5", R"({"a": 5})", R"({"a": {}})", R"({"targets": {}, "rules": {}})"}) {
        INFO(text);
        CHECK_FALSE(parse_mercure_users(text).ok());
    }
    CHECK(parse_mercure_users("{}").ok());
}
