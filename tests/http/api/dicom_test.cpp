#include "quicksilver/dicom/phantom.hpp"

#include "http/api/dicom_setup.hpp"
#include "http/api/history_fixture.hpp"
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

TEST_CASE("What completes a tag tells whether series have it, and values to those who may see them",
          "[http][api][dicom]") {
    HistoryApi api;
    require_dictionary();
    for (int n = 0; n < 8; ++n) api.add_series(n);
    const auto find = [](const ApiAnswer& answer, const std::string& keyword) {
        for (const auto& item : answer.body.at("items")) {
            if (item.at("keyword") == keyword) return item;
        }
        return nlohmann::json();
    };
    const auto seen = api.get("/dicom/tags?prefix=Patient&limit=500");
    CHECK(find(seen, "PatientName").at("name") == "Patient Name");
    CHECK(find(seen, "PatientName").at("in_use") == true);
    CHECK(find(seen, "PatientName").at("recent_values").size() == 5);
    CHECK(find(seen, "PatientWeight").at("in_use") == false);
    const auto masked = api.get_masked("/dicom/tags?prefix=Patient");
    CHECK(find(masked, "PatientName").at("in_use") == true);
    CHECK(find(masked, "PatientName").at("recent_values").empty());
    CHECK(find(api.get_masked("/dicom/tags?prefix=Modality"), "Modality").at("recent_values").dump() == R"(["CT"])");
    CHECK(find(api.get("/dicom/tags?prefix=SOPClass"), "SOPClassUID").at("name") == "SOP Class UID");
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
