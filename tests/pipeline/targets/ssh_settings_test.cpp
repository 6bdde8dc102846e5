#include "pipeline/targets/ssh_settings.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;

namespace {

TargetConfig target(nlohmann::json settings) {
    TargetConfig made;
    made.name = "cluster";
    made.type = "sftp";
    made.settings = std::move(settings);
    return made;
}

}  // namespace

TEST_CASE("What SSH needs is read from the settings, with sensible defaults", "[pipeline][targets][ssh]") {
    Config config;
    config.folders.data = "/data";
    const auto read = read_ssh_settings(
        target({{"host", "h"}, {"user", "u"}, {"folder", "in"}, {"password", "p"}, {"port", 2222}}), config);
    REQUIRE(read.ok());
    CHECK(read->port == 2222);
    CHECK(read->known_hosts == "/data/known_hosts");
    CHECK(read->trust_on_first_use);
    CHECK(read->private_key.empty());
    for (const char* missing : {"host", "user", "folder"}) {
        nlohmann::json settings = {{"host", "h"}, {"user", "u"}, {"folder", "in"}};
        settings.erase(missing);
        const auto refused = read_ssh_settings(target(settings), config);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().message.find(missing) != std::string::npos);
    }
}

TEST_CASE("The best key that is there is used by default", "[pipeline][targets][ssh]") {
    test::TemporaryFolder home;
    CHECK(default_private_key(home.path()).empty());
    test::write_file(home / ".ssh" / "id_rsa", "key");
    CHECK(default_private_key(home.path()) == home / ".ssh" / "id_rsa");
    test::write_file(home / ".ssh" / "id_ed25519", "key");
    CHECK(default_private_key(home.path()) == home / ".ssh" / "id_ed25519");
}

TEST_CASE("A host key becomes a line of a known_hosts file", "[pipeline][targets][ssh]") {
    const std::string key("\0\0\0\x0bssh-ed25519abc", 18);
    CHECK(known_hosts_line("host", 22, key) == "host ssh-ed25519 AAAAC3NzaC1lZDI1NTE5YWJj\n");
    CHECK(known_hosts_line("host", 2222, key).starts_with("[host]:2222 ssh-ed25519 "));
    for (const std::string& bad : {std::string(), std::string("\0\0\0", 3),
                                   std::string("\0\0\0\xff"
                                               "abc",
                                               7),
                                   std::string(8, '\0')}) {
        CHECK(known_hosts_line("host", 22, bad).empty());
    }
}
