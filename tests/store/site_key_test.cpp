#include "quicksilver/store/site_key.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
namespace fs = std::filesystem;

TEST_CASE("A key is made once, for its owner only, and gives the same answers after a restart", "[store][key]") {
    test::TemporaryFolder folder;
    const auto ops = make_file_ops();
    const auto first = SiteKey::open(*ops, folder / "site.key");
    REQUIRE(first.ok());
    CHECK((fs::status(folder / "site.key").permissions() & fs::perms::all) ==
          (fs::perms::owner_read | fs::perms::owner_write));
    const auto again = SiteKey::open(*ops, folder / "site.key");
    REQUIRE(again.ok());
    CHECK(first->digest("uid", "1.2.3") == again->digest("uid", "1.2.3"));
    CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
}

TEST_CASE("Purpose, text and key all make another digest", "[store][key]") {
    test::TemporaryFolder folder;
    const auto ops = make_file_ops();
    const auto key = SiteKey::open(*ops, folder / "one.key");
    const auto other = SiteKey::open(*ops, folder / "two.key");
    REQUIRE((key.ok() && other.ok()));
    const auto digest = key->digest("uid", "1.2.3");
    CHECK(digest != key->digest("patient", "1.2.3"));
    CHECK(digest != key->digest("uid", "1.2.4"));
    CHECK(key->digest("ab", "c") != key->digest("a", "bc"));
    CHECK(digest != other->digest("uid", "1.2.3"));
}

TEST_CASE("A key that others may read, or that is none, is refused and stays as it is", "[store][key]") {
    test::TemporaryFolder folder;
    const auto ops = make_file_ops();
    REQUIRE(SiteKey::open(*ops, folder / "site.key").ok());
    SECTION("others may read it") {
        fs::permissions(folder / "site.key", fs::perms(0640));
    }
    SECTION("it is damaged") {
        test::write_file(folder / "site.key", "short");
    }
    const std::string content = test::read_file(folder / "site.key");
    const auto opened = SiteKey::open(*ops, folder / "site.key");
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().message.find("site.key") != std::string::npos);
    CHECK(test::read_file(folder / "site.key") == content);
}
