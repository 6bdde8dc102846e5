#include "pipeline/targets/file_digest.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;

TEST_CASE("The checksums of a piece of a file are those of its bytes", "[pipeline][targets][s3]") {
    test::TemporaryFolder root;
    test::write_file(root / "a", "xxabcxx");
    const auto abc = digest_file(root / "a", 2, 3);
    REQUIRE(abc.ok());
    CHECK(abc->sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(abc->md5 == "900150983cd24fb0d6963f7d28e17f72");
    CHECK(digest_file(root / "a", 0, 0)->md5 == "d41d8cd98f00b204e9800998ecf8427e");
    CHECK_FALSE(digest_file(root / "absent", 0, 1).ok());
}
