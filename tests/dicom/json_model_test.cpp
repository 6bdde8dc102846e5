#include "quicksilver/dicom/json_model.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "dicom/dicom_environment.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <nlohmann/json.hpp>

using namespace quicksilver;
using namespace quicksilver::dicom;
using namespace quicksilver::test;

TEST_CASE("A data set is shown as PS3.18 annex F says, without its pixels", "[dicom][json]") {
    require_dicom();
    const TemporaryFolder folder;
    PhantomOptions options;
    options.instances = 1;
    const auto files = write_phantom_series(options, folder.path());
    REQUIRE(files);
    const auto read = read_json(files->front());
    REQUIRE(read);
    CHECK(read->at("00080060").at("vr") == "CS");
    CHECK(read->at("00080060").at("Value").at(0).is_string());
    CHECK(read->at("00100010").at("Value").at(0).contains("Alphabetic"));
    CHECK(read->at("00280010").at("Value").at(0).is_number());
    if (read->contains("7FE00010")) CHECK_FALSE(read->at("7FE00010").contains("InlineBinary"));
    CHECK_FALSE(read->contains("00020010"));
}

TEST_CASE("What is no DICOM file is said so", "[dicom][json]") {
    require_dicom();
    const TemporaryFolder folder;
    write_file(folder / "text", "hello");
    CHECK(read_json(folder / "text").error().code == Errc::invalid);
    CHECK(read_json(folder / "nothing").error().code == Errc::not_found);
}
