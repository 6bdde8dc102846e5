#include "quicksilver/pipeline/runners/module_runner.hpp"

#include "pipeline/loopback_http.hpp"
#include "pipeline/runners/docker_runner.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using test::LoopbackHttp;

namespace {

ModuleImage image(std::string id, std::vector<std::string> names, std::vector<std::string> digests = {}) {
    return ModuleImage{std::move(id), std::move(names), std::move(digests), 0, ""};
}

/// An engine that has one image, and one without a name.
void answer_as_engine(const LoopbackHttp::Request& request, LoopbackHttp::Peer& peer) {
    if (request.target == "/version") return peer.answer(200, R"({"ApiVersion": "1.41", "MinAPIVersion": "1.12"})");
    if (request.target.ends_with("/info")) return peer.answer(200, "{}");
    peer.answer(200, R"([{"Id": "sha256:1", "RepoTags": ["a:1"], "RepoDigests": ["a@sha256:9"], "Size": 7,
                          "Created": 1790000000},
                         {"Id": "sha256:2", "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]}])");
}

}  // namespace

TEST_CASE("The image of a module is found whatever its name leaves out", "[pipeline][runners]") {
    const std::string id = "sha256:0123456789abcdef0123456789abcdef";
    const std::vector<ModuleImage> images = {
        image(id, {"a:latest", "group/b:2"}, {"reg.example:5000/c@sha256:12"}),
        image("sha256:fedcba98765", {"localhost/d:1", "docker.io/library/e:latest"}),
    };
    for (const char* tag :
         {"a", "a:latest", "docker.io/a", "docker.io/library/a:latest", "library/a", "group/b:2",
          "reg.example:5000/c@sha256:12", "0123456789ab", "sha256:0123456789abcdef0123456789abcdef"}) {
        CAPTURE(tag);
        REQUIRE(find_image(images, tag) != nullptr);
        CHECK(find_image(images, tag)->id == id);
    }
    CHECK(find_image(images, "d:1") == &images[1]);
    CHECK(find_image(images, "e") == &images[1]);
    for (const char* tag : {"", "a:1", "group/a", "reg.example/a", "b:2", "c", "0123", "reg.example:5000/c"}) {
        CAPTURE(tag);
        CHECK(find_image(images, tag) == nullptr);
    }
}

TEST_CASE("Images are listed with their names and where they came from", "[pipeline][runners]") {
    LoopbackHttp server(answer_as_engine);
    EngineAddress address;
    address.url = "http://127.0.0.1:" + std::to_string(server.port());
    address.unix_socket.clear();
    DockerRunner runner(address, ModulePolicy(), "here");
    const StopFlag stop{false};
    const auto images = runner.list_images(stop);
    REQUIRE(images);
    REQUIRE(images->size() == 2);
    CHECK(images->front().names == std::vector<std::string>{"a:1"});
    CHECK(images->front().digests == std::vector<std::string>{"a@sha256:9"});
    CHECK(images->front().bytes == 7);
    CHECK(images->front().created == "2026-09-21T14:13:20.000Z");
    CHECK(images->back().names.empty());
    CHECK(images->back().digests.empty());
}

TEST_CASE("An engine that is away is no failure of the images", "[pipeline][runners]") {
    EngineAddress address;
    address.unix_socket = "/nonexistent/docker.sock";
    DockerRunner runner(address, ModulePolicy(), "here");
    const StopFlag stop{false};
    CHECK(runner.list_images(stop).error().code == Errc::busy);
    CHECK(runner.pull_image("a:1", stop, nullptr).error().code == Errc::busy);
    CHECK(runner.load_images("/tmp/none.tar", stop, nullptr).error().code == Errc::busy);
}
