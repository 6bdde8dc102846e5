#include "pipeline/runners/docker_engine.hpp"

#include "pipeline/loopback_http.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using test::LoopbackHttp;

namespace {

/// An engine that answers as told.
struct FakeEngine {
    using Handler = LoopbackHttp::Handler;

    explicit FakeEngine(Handler handler) : server(std::move(handler)) {}

    DockerEngine engine() const {
        EngineAddress address;
        address.unix_socket.clear();
        address.url = "http://127.0.0.1:" + std::to_string(server.port());
        address.shown = "the test's engine";
        return DockerEngine(address);
    }

    LoopbackHttp server;
};

}  // namespace

TEST_CASE("Addresses of engines are read as DOCKER_HOST has them", "[pipeline][runners]") {
    CHECK(parse_engine_address("", "")->unix_socket == "/var/run/docker.sock");
    CHECK(parse_engine_address("unix:///run/podman.sock", "")->unix_socket == "/run/podman.sock");
    const auto plain = parse_engine_address("tcp://host:2375/", "");
    CHECK(plain->url == "http://host:2375");
    CHECK(plain->unix_socket.empty());
    const auto encrypted = parse_engine_address("tcp://host:2376", "/certs");
    CHECK(encrypted->url == "https://host:2376");
    CHECK(encrypted->tls.key == "/certs/key.pem");
    for (const char* bad : {"host:2375", "ssh://host", "unix://relative", "tcp://"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_engine_address(bad, ""));
    }
}

TEST_CASE("The spoken version is ours, or the nearest that the engine has", "[pipeline][runners]") {
    CHECK(choose_api_version("1.12", "1.41") == "1.41");
    CHECK(choose_api_version("1.24", "1.100") == "1.47");
    CHECK(choose_api_version("1.50", "1.60") == "1.50");
    CHECK(choose_api_version("", "1.41") == "1.41");
}

TEST_CASE("Names of images are taken apart", "[pipeline][runners]") {
    struct Case {
        const char *image, *registry, *repository, *tag;
    };
    const Case cases[] = {
        {"busybox", "docker.io", "busybox", "latest"},
        {"mercureimaging/dummy:1.0", "docker.io", "mercureimaging/dummy", "1.0"},
        {"localhost/x", "localhost", "localhost/x", "latest"},
        {"reg.example:5000/a/b", "reg.example:5000", "reg.example:5000/a/b", "latest"},
        {"reg.example:5000/a/b:2", "reg.example:5000", "reg.example:5000/a/b", "2"},
        {"a/b@sha256:12", "docker.io", "a/b", "sha256:12"},
        {"a/b:3@sha256:12", "docker.io", "a/b", "sha256:12"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.image);
        const ImageName name = parse_image_name(c.image);
        CHECK(name.registry == c.registry);
        CHECK(name.repository == c.repository);
        CHECK(name.tag == c.tag);
    }
}

TEST_CASE("A pull tells how far it is, and why it fails", "[pipeline][runners]") {
    PullProgress progress;
    CHECK(progress.feed("{\"status\":\"Pulling from a\"}\n{\"status\":\"Downl"));
    CHECK(progress.now().text == "Pulling from a");
    CHECK(progress.feed("oading\",\"id\":\"x\",\"progressDetail\":{\"current\":1000000,\"total\":4000000}}\n"));
    CHECK(progress.now().text == "1 of 4 MB");
    CHECK(progress.now().total == 4'000'000);
    CHECK_FALSE(progress.feed("{\"error\":\"no such image\"}\n"));
    CHECK(progress.error() == "no such image");
}

TEST_CASE("Connecting agrees on a version that later calls use", "[pipeline][runners]") {
    FakeEngine fake([](const LoopbackHttp::Request& request, LoopbackHttp::Peer& peer) {
        if (request.target == "/version") {
            return peer.answer(200, R"({"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10"})");
        }
        if (request.target == "/v1.41/info") return peer.answer(200, R"({"SecurityOptions": ["name=rootless"]})");
        peer.answer(404, R"({"message": "No such container: x"})");
    });
    DockerEngine engine = fake.engine();
    const auto info = engine.connect();
    REQUIRE(info);
    CHECK(info->name == "Docker 20.10");
    CHECK(info->rootless);
    const auto missing = engine.inspect("x");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Errc::not_found);
    CHECK(missing.error().message.find("No such container: x") != std::string::npos);
    CHECK(fake.server.requests().back().target == "/v1.41/containers/x/json");
    CHECK(engine.remove("x"));
}

TEST_CASE("What answers but is no engine is told from one", "[pipeline][runners]") {
    FakeEngine fake([](const LoopbackHttp::Request&, LoopbackHttp::Peer& peer) { peer.answer(200, "<html>"); });
    const auto info = fake.engine().connect();
    REQUIRE_FALSE(info);
    CHECK(info.error().message.find("no container engine") != std::string::npos);
}

TEST_CASE("A pull that fails in the middle of its stream is a failure with the engine's reason",
          "[pipeline][runners]") {
    FakeEngine fake([](const LoopbackHttp::Request&, LoopbackHttp::Peer& peer) {
        peer.answer(200, "{\"status\":\"Pulling\"}\n{\"error\":\"toomanyrequests\"}\n");
    });
    const StopFlag stop{false};
    const auto pulled = fake.engine().pull("a/b:1", "", stop, nullptr);
    REQUIRE_FALSE(pulled);
    CHECK(pulled.error().message.find("toomanyrequests") != std::string::npos);
    CHECK(fake.server.requests().front().target == "/images/create?fromImage=a%2Fb&tag=1");
}

TEST_CASE("Images are loaded from a file, and named", "[pipeline][runners]") {
    test::TemporaryFolder folder;
    test::write_file(folder / "image.tar", "tar bytes");
    FakeEngine fake([](const LoopbackHttp::Request&, LoopbackHttp::Peer& peer) {
        peer.answer(200,
                    "{\"stream\":\"Loaded image: a:1\\n\"}\n{\"stream\":\"Loaded image ID: sha256:12\\n\"}\n"
                    "{\"stream\":\"Loaded image(s): localhost/b:1,localhost/b:2\\n\"}\n");
    });
    const StopFlag stop{false};
    std::uint64_t sent = 0;
    const auto loaded = fake.engine().load(folder / "image.tar", stop,
                                           [&sent](const ImageProgress& progress) { sent = progress.done; });
    REQUIRE(loaded);
    CHECK(*loaded == std::vector<std::string>{"a:1", "sha256:12", "localhost/b:1", "localhost/b:2"});
    CHECK(sent == 9);
    CHECK(fake.server.requests().front().body == "tar bytes");
    CHECK(fake.engine().load(folder / "nothing.tar", stop, nullptr).error().code == Errc::not_found);
}

TEST_CASE("A file without an image is refused", "[pipeline][runners]") {
    test::TemporaryFolder folder;
    test::write_file(folder / "image.tar", "tar bytes");
    FakeEngine fake([](const LoopbackHttp::Request&, LoopbackHttp::Peer& peer) { peer.answer(200, ""); });
    const StopFlag stop{false};
    const auto loaded = fake.engine().load(folder / "image.tar", stop, nullptr);
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().message.find("docker save") != std::string::npos);
}
