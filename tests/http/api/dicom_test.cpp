#include "quicksilver/dicom/phantom.hpp"

#include "http/api/api_fixture.hpp"
#include "http/api/dicom_setup.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("The dictionary completes what somebody types", "[http][api][dicom]") {
    ApiFixture api;
    require_dictionary();
    const auto viewer = api.full_token(Role::viewer, false);
    const auto found = api.call("GET", "/dicom/tags?prefix=patientn&limit=5", nullptr, {viewer});
    CHECK(found.body.at("items")[0].at("keyword") == "PatientName");
    CHECK(api.call("GET", "/dicom/tags?cursor=x", nullptr, {viewer}).status == 422);
}

TEST_CASE("A file shows its tags as rules see them", "[http][api][dicom]") {
    ApiFixture api;
    require_dictionary();
    const auto who = api.full_token(Role::operate, false);
    dicom::PhantomOptions options;
    options.instances = 1;
    const auto files = dicom::write_phantom_series(options, api.folder / "made");
    REQUIRE(files.ok());
    const std::pair<std::string, std::string> type{"Content-Type", "application/dicom"};
    const std::string content = read_file(files->front());
    const auto shown = api.call_raw("POST", "/dicom/inspect", content, {who, type});
    CHECK(shown.status == 200);
    CHECK(shown.body.at("tags").at("PatientName") == "PHANTOM^HEAD");
    // The begin of a large file is enough.
    const auto begin = api.call_raw("POST", "/dicom/inspect", content.substr(0, content.size() / 2), {who, type});
    CHECK(begin.body.at("tags").at("Modality") == "CT");
    CHECK(api.call_raw("POST", "/dicom/inspect", "no DICOM", {who, type}).status == 422);
    CHECK(api.call_raw("POST", "/dicom/inspect", content, {who}).status == 415);
}
