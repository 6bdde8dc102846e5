#include "http/api/series_files.hpp"

#include "quicksilver/dicom/phantom.hpp"

#include "http/api/dicom_setup.hpp"
#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

/// A delivered series with two files.
struct FilesApi : HistoryApi {
    std::string series = "/series/" + uid_of(1);

    FilesApi() {
        add_series(1);
        const auto task = folders.path(Stage::success, "task-1");
        std::filesystem::create_directories(task);
        write_file(task / (uid_of(1) + "#1.dcm"), std::string(1000, 'a'));
        write_file(task / (uid_of(1) + "#2.dcm"), std::string(500, 'b'));
        write_file(task / "9.9#3.dcm", "of another series");
        const auto written = journal->write({journal::TaskRegistered{clock.wall_now(), "task-1", "", uid_of(1)}});
        if (!written) throw std::runtime_error(written.error().message);
    }
    ApiAnswer get_part(const std::string& range, const std::string& if_range = "") {
        Headers headers = {with_patients, {"Range", range}};
        if (!if_range.empty()) headers.emplace_back("If-Range", if_range);
        return call("GET", series + "/archive", nullptr, headers);
    }
};

}  // namespace

TEST_CASE("The files of a series are listed", "[http][api][files]") {
    FilesApi api;
    const json seen = api.get(api.series + "/files").body;
    CHECK(seen.at("bytes") == 1500);
    CHECK(seen.at("items").size() == 2);
    CHECK(seen.at("items")[0].at("sop_instance_uid") == "1");
    CHECK(seen.at("items")[0].at("folder") == "task-1");
    CHECK(api.get("/series/1.2.3/files").status == 404);
    CHECK(api.get_masked(api.series + "/files").status == 403);
}

TEST_CASE("An archive is sent whole or in parts that fit together", "[http][api][files]") {
    FilesApi api;
    const auto whole = api.get(api.series + "/archive");
    CHECK(whole.status == 200);
    CHECK(whole.headers.at("content-length") == std::to_string(whole.text.size()));
    CHECK(whole.headers.at("content-disposition") == "attachment; filename=\"" + api.uid_of(1) + ".zip\"");
    CHECK(whole.text.starts_with("PK\x03\x04"));
    const auto begin = api.get_part("bytes=0-699");
    const auto end = api.get_part("bytes=700-", whole.headers.at("etag"));
    CHECK(begin.status == 206);
    CHECK(end.headers.at("content-range") ==
          "bytes 700-" + std::to_string(whole.text.size() - 1) + "/" + std::to_string(whole.text.size()));
    CHECK(begin.text + end.text == whole.text);
    CHECK(api.get_part("bytes=700-", "\"another\"").status == 200);
    CHECK(api.get_part("bytes=99999-").status == 416);
}

TEST_CASE("Who took an archive is audited", "[http][api][files]") {
    FilesApi api;
    api.get(api.series + "/archive");
    const auto audit = api.get("/audit?action=getSeriesArchive").body.at("items");
    REQUIRE(audit.size() == 1);
    CHECK(audit[0].at("object") == api.series + "/archive");
    CHECK(api.get_masked(api.series + "/archive").status == 403);
}

TEST_CASE("A series that was cleaned up is gone", "[http][api][files]") {
    FilesApi api;
    std::filesystem::remove_all(api.folders.path(Stage::success, "task-1"));
    CHECK(api.get(api.series + "/archive").status == 410);
    CHECK(api.get(api.series + "/files").body.at("items").empty());
}

TEST_CASE("An instance is shown in the DICOM JSON model, masked where it must be", "[http][api][files]") {
    require_dictionary();
    HistoryApi api;
    api.add_series(1);
    dicom::PhantomOptions options;
    options.instances = 1;
    options.series_uid = api.uid_of(1);
    const auto files = dicom::write_phantom_series(options, api.folder / "made");
    REQUIRE(files);
    const auto folder = api.folders.path(Stage::incoming, api.uid_of(1));
    std::filesystem::create_directories(folder);
    std::filesystem::rename(files->front(), folder / (api.uid_of(1) + "#1.dcm"));
    const std::string target = "/series/" + api.uid_of(1) + "/tags?level=instance";
    const json seen = api.get(target).body;
    CHECK(seen.at("instances") == 1);
    CHECK(seen.at("data_set").at("00100010").contains("Value"));
    const json masked = api.get_masked(target).body.at("data_set");
    CHECK_FALSE(masked.at("00100010").contains("Value"));
    CHECK(masked.at("00080060").contains("Value"));
    CHECK(api.get(target + "&n=1").status == 404);
}
