#include "quicksilver/http/self_signed.hpp"

#include "http/running_server.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <sys/stat.h>

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A self-signed certificate serves HTTPS, and its key is for the owner only", "[http][tls]") {
    TemporaryFolder folder;
    const auto made = make_self_signed(folder / "tls", {"radiology.example", "127.0.0.1"});
    REQUIRE(made.ok());
    CHECK(made->fingerprint.size() == 32 * 3 - 1);
    struct stat status {};
    REQUIRE(::stat(made->key.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    HttpConfig config;
    config.certificate = made->certificate;
    config.key = made->key;
    RunningServer server(plain_routes(), {}, config);
    CHECK(server.url().starts_with("https://"));
}

TEST_CASE("A certificate that is there is never overwritten", "[http][tls]") {
    TemporaryFolder folder;
    REQUIRE(make_self_signed(folder / "tls", {"localhost"}).ok());
    const auto again = make_self_signed(folder / "tls", {"localhost"});
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == Errc::already_exists);
}
