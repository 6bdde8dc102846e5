#include "http/api/api_fixture.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct ImagesApi : ApiFixture {
    std::pair<std::string, std::string> admin = full_token(Role::admin, false);

    ApiAnswer load(const std::string& tar, const std::string& type = "application/x-tar") {
        return call_raw("POST", "/modules/images/actions/load", tar, {admin, {"Content-Type", type}});
    }
    /// Whether that comes true while the threads of the server do what they have in hand.
    bool soon(const std::function<bool()>& condition) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < end) advance(std::chrono::seconds(0));
        return condition();
    }
    std::vector<std::filesystem::path> uploads() const {
        std::vector<std::filesystem::path> all;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(folder / "uploads", none)) {
            all.push_back(entry.path());
        }
        return all;
    }
};

}  // namespace

TEST_CASE("Images are listed with the modules that use them, and what modules lack", "[http][api][modules]") {
    ImagesApi api;
    api.modules.known.images = {{"sha256:1", {"a:1"}, {"a@sha256:9"}, 7, "2026-09-21T14:13:20.000Z", {"bone"}}};
    api.modules.known.modules = {{"bone", {"a:1", true, "a@sha256:9"}}, {"lung", {"b:1", false, ""}}};
    const json answer = api.call("GET", "/modules/images", nullptr, {api.admin}).body;
    CHECK(answer.at("items")[0].at("used_by") == json{"bone"});
    CHECK(answer.at("items")[0].at("bytes") == 7);
    CHECK(answer.at("missing") == json{{{"module", "lung"}, {"image", "b:1"}}});
}

TEST_CASE("While the engine is away, its images are not known and the answer says why", "[http][api][modules]") {
    ImagesApi api;
    api.modules.away = "the container engine cannot be reached";
    const auto answer = api.call("GET", "/modules/images", nullptr, {api.admin});
    CHECK(answer.status == 503);
    CHECK(answer.body.at("code") == "engine_away");
    CHECK(answer.body.at("detail") == api.modules.away);
    CHECK(answer.headers.contains("retry-after"));
    const auto begun = api.call("POST", "/modules/images/actions/pull", {{"image", "a:1"}}, {api.admin});
    const json ended = api.end_of(begun, api.admin);
    CHECK(ended.at("state") == "failed");
    CHECK(ended.at("problem").at("detail") == api.modules.away);
}

TEST_CASE("An image is fetched, and the audit says which", "[http][api][modules]") {
    ImagesApi api;
    const auto begun = api.call("POST", "/modules/images/actions/pull", {{"image", "reg.example/a:1"}}, {api.admin});
    CHECK(begun.status == 202);
    const json ended = api.end_of(begun, api.admin);
    CHECK(ended.at("state") == "done");
    CHECK(ended.at("progress") == json{{"done", 12}, {"total", 40}, {"unit", "bytes"}});
    CHECK(api.modules.told == std::vector<std::string>{"pull reg.example/a:1"});
    const json audit = api.call("GET", "/audit?action=pullModuleImage", nullptr, {api.admin}).body;
    CHECK(audit.at("items")[0].at("object") == "/modules/images/actions/pull reg.example/a:1");
    for (const char* image : {"", "a b", "a?x=1", "a&tag=2", "a#b"}) {
        CHECK(api.call("POST", "/modules/images/actions/pull", {{"image", image}}, {api.admin}).status == 422);
    }
}

TEST_CASE("Fetching an image ends when somebody wants it to", "[http][api][modules]") {
    ImagesApi api;
    api.modules.endless = true;
    const auto begun = api.call("POST", "/modules/images/actions/pull", {{"image", "a:1"}}, {api.admin});
    const std::string operation = begun.headers.at("location").substr(std::string("/api/v1").size());
    CHECK(api.call("GET", operation, nullptr, {api.admin}).body.at("state") == "running");
    CHECK(api.call("DELETE", operation, nullptr, {api.admin}).status == 204);
    CHECK(api.end_of(begun, api.admin).at("state") == "cancelled");
}

TEST_CASE("Images are loaded from a tar larger than any other body, and nothing of it is left",
          "[http][api][modules]") {
    ImagesApi api;
    const std::string tar(5'000'000, 't');
    const auto begun = api.load(tar);
    CHECK(begun.status == 202);
    CHECK(api.end_of(begun, api.admin).at("result").at("images") == json{"a:1"});
    CHECK(api.modules.loaded == tar);
    CHECK(api.modules.loaded_from.parent_path() == api.folder / "uploads");
    CHECK(api.soon([&] { return api.uploads().empty(); }));
}

TEST_CASE("What is no tar, or comes from who may not, is refused without being read", "[http][api][modules]") {
    ImagesApi api;
    CHECK(api.load("x", "application/json").status == 415);
    CHECK(api.load("").status == 422);
    const auto operating = api.full_token(Role::operate, true);
    HttpClient client(api.port());
    client.send(
        "POST /api/v1/modules/images/actions/load HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000000\r\n" +
        operating.first + ": " + operating.second + "\r\nContent-Type: application/x-tar\r\n\r\nbegin");
    CHECK(client.read_answer().status == 403);
    client.finish_sending();
    CHECK(client.is_closed_by_server());
    CHECK(api.soon([&] { return api.uploads().empty(); }));
}

TEST_CASE("A tar that ends too soon leaves nothing", "[http][api][modules]") {
    ImagesApi api;
    {
        HttpClient client(api.port());
        client.send(
            "POST /api/v1/modules/images/actions/load HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n" +
            api.admin.first + ": " + api.admin.second + "\r\nContent-Type: application/x-tar\r\n\r\n" +
            std::string(300'000, 't'));
        CHECK(api.soon([&] { return !api.uploads().empty(); }));
    }
    CHECK(api.soon([&] { return api.uploads().empty(); }));
    CHECK(api.modules.loaded.empty());
    CHECK(api.call("GET", "/audit?action=loadModuleImages", nullptr, {api.admin}).body.at("items").empty());
}
