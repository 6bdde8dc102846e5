#include "quicksilver/store/administration.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

#include <sys/stat.h>

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("Accounts are written durably, for their owner's eyes only", "[store][administration]") {
    AdministrationFixture f;
    CHECK(f.administration->connection().number("PRAGMA synchronous") == 2);
    f.add("anna");
    for (const char* part : {"", "-wal", "-shm"}) {
        struct stat status {};
        REQUIRE(::stat((f.file.string() + part).c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
    }
}

TEST_CASE("The signing key stays the same over restarts and differs between servers", "[store][administration]") {
    AdministrationFixture f;
    const std::string key = f.administration->key();
    CHECK(key.size() == 43);
    f.administration.reset();
    CHECK((*Administration::open(f.file))->key() == key);
    CHECK((*Administration::open(f.folder / "other.sqlite"))->key() != key);
}

TEST_CASE("A damaged database is moved aside and said so", "[store][administration]") {
    TemporaryFolder folder;
    write_file(folder / "a.sqlite", std::string(10'000, 'x'));
    auto opened = Administration::open(folder / "a.sqlite");
    REQUIRE(opened.ok());
    const auto notice = (*opened)->take_notice();
    REQUIRE(notice);
    CHECK(notice->find("was damaged") != std::string::npos);
    CHECK_FALSE((*opened)->take_notice());
    CHECK(Accounts(**opened).count() == 0);
}

TEST_CASE("Accounts of a newer program are left alone", "[store][administration]") {
    AdministrationFixture f;
    f.administration->connection().execute("PRAGMA user_version=999");
    f.administration.reset();
    CHECK_FALSE(Administration::open(f.file).ok());
}
