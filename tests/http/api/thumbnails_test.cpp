#include "quicksilver/dicom/phantom.hpp"

#include "http/api/dicom_setup.hpp"
#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

struct PicturesApi : HistoryApi {
    PicturesApi() { require_dictionary(); }

    /// Puts a phantom slice where a delivered task lies.
    void put_image(int n) {
        dicom::PhantomOptions options;
        options.instances = 1;
        options.series_uid = uid_of(n);
        const auto files = dicom::write_phantom_series(options, folder / "made");
        if (!files) throw std::runtime_error(files.error().message);
        const auto task = folders.path(Stage::success, "task-" + std::to_string(n));
        std::filesystem::create_directories(task);
        std::filesystem::rename(files->front(), task / (uid_of(n) + "#" + files->front().filename().string()));
        journal::TaskRegistered registered{clock.wall_now(), "task-" + std::to_string(n), "", uid_of(n)};
        if (!journal->write({registered})) throw std::runtime_error("cannot write the task");
    }
};

}  // namespace

TEST_CASE("A series shows a small picture to those who may see patients", "[http][api][pictures]") {
    PicturesApi api;
    api.add_series(1);
    api.put_image(1);
    const std::string target = "/series/" + api.uid_of(1) + "/thumbnail";
    const auto picture = api.get(target + "?size=96&frame=mid");
    CHECK(picture.status == 200);
    CHECK(picture.headers.at("content-type") == "image/png");
    CHECK(picture.headers.at("cache-control") == "private, no-store");
    CHECK(picture.text.starts_with("\x89PNG"));
    CHECK(api.get(target + "?size=96&frame=mid").text == picture.text);
    CHECK(api.get(target + "?size=95").status == 422);
    CHECK(api.get_masked(target).status == 403);
    CHECK(api.get_masked(target).body.at("code") == "phi_permission_required");
}

TEST_CASE("A file that had no picture has one when it is another file", "[http][api][pictures]") {
    PicturesApi api;
    api.add_series(1);
    api.put_image(1);
    const std::string target = "/series/" + api.uid_of(1) + "/thumbnail";
    const auto task = api.folders.path(Stage::success, "task-1");
    const auto file = std::filesystem::directory_iterator(task)->path();
    const std::string image = read_file(file);
    write_file(file, std::string(image.size(), 'x'));
    CHECK(api.get(target).status == 204);
    write_file(file, image);
    CHECK(api.get(target).status == 200);
}

TEST_CASE("Instance, frame and window of a picture are chosen", "[http][api][pictures]") {
    PicturesApi api;
    api.add_series(1);
    api.put_image(1);
    const std::string target = "/series/" + api.uid_of(1) + "/thumbnail?";
    for (const char* query : {"frame=first", "frame=7", "instance=first&frame=last", "instance=0&frame=0",
                              "window=auto", "instance=mid&window=auto"}) {
        INFO(query);
        CHECK(api.get(target + query).status == 200);
    }
    CHECK(api.get(target + "window=bone").status == 422);
}

TEST_CASE("Frames of the only instance are chosen like instances", "[http][api][pictures]") {
    const std::filesystem::path frames =
        "/usr/lib/python3/dist-packages/pydicom/data/test_files/SC_rgb_rle_2frame.dcm";  // of python3-pydicom
    REQUIRE(std::filesystem::exists(frames));
    PicturesApi api;
    api.add_series(1);
    api.put_image(1);
    const auto task = api.folders.path(Stage::success, "task-1");
    const auto file = std::filesystem::directory_iterator(task)->path();
    std::filesystem::copy_file(frames, file, std::filesystem::copy_options::overwrite_existing);
    const std::string target = "/series/" + api.uid_of(1) + "/thumbnail?";
    const std::string first = api.get(target + "frame=first").text;
    const std::string last = api.get(target + "frame=last").text;
    CHECK(first.starts_with("\x89PNG"));
    CHECK(last != first);
    CHECK(api.get(target + "frame=1").text == last);
    CHECK(api.get(target + "frame=mid").text == last);
    // Beside another instance, frame chooses between the two.
    std::filesystem::copy_file(frames, task / (api.uid_of(1) + "#9.dcm"));
    CHECK(api.get(target + "frame=last").text == first);
    CHECK(api.get(target + "instance=last&frame=last").text == last);
}

TEST_CASE("What has no picture is 204", "[http][api][pictures]") {
    PicturesApi api;
    api.add_series(1);
    CHECK(api.get("/series/" + api.uid_of(1) + "/thumbnail").status == 204);
    CHECK(api.get("/series/..%2F..%2Fetc/thumbnail").status == 204);
}
