#include "http/api/history_fixture.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

#include <filesystem>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

constexpr const char* address = "/modules/keeper/persistence";

struct KeeperApi : HistoryApi {
    KeeperApi() {
        const json keeper = {{"name", "keeper"}, {"docker_tag", "a:1"}, {"requires_persistence", true}};
        json named = keeper;
        named["name"] = "named";
        named["persistence_folder_name"] = "shared";
        for (const json& module : {keeper, named}) {
            if (call("POST", "/modules", module, {with_patients}).status != 201) throw std::runtime_error("no module");
        }
    }
    void keep(const std::string& folder_name, const std::string& file, const std::string& text) const {
        std::filesystem::create_directories((folder / "persistence" / folder_name / file).parent_path());
        write_file(folder / "persistence" / folder_name / file, text);
    }
    ApiAnswer put(const json& content, const std::string& etag, const std::string& target = address) {
        return call("PUT", target, {{"content", content}}, {with_patients, {"If-Match", etag}});
    }
};

}  // namespace

TEST_CASE("What a module keeps is shown with the text of one file", "[http][api][modules]") {
    KeeperApi api;
    const auto nothing = api.get(address);
    CHECK(nothing.body == json{{"folder", "keeper"},
                               {"file", "persistence.json"},
                               {"exists", false},
                               {"bytes", 0},
                               {"content", nullptr},
                               {"files", json::array()},
                               {"in_use", false}});
    api.keep("keeper", "persistence.json", R"({"runs": 3})");
    api.keep("keeper", "sub/weights", "\xff\xfe");
    api.modules.used.insert("keeper");
    const json shown = api.get(address).body;
    CHECK(shown.at("content") == R"({"runs": 3})");
    CHECK(shown.at("in_use") == true);
    REQUIRE(shown.at("files").size() == 2);
    CHECK(shown.at("files")[1].at("name") == "sub/weights");
    CHECK(shown.at("files")[1].at("bytes") == 2);
    const json binary = api.get(std::string(address) + "?file=sub%2Fweights").body;
    CHECK(binary.at("exists") == true);
    CHECK(binary.at("content").is_null());
    api.keep("shared", "persistence.json", "{}");
    CHECK(api.get("/modules/named/persistence").body.at("folder") == "shared");
    CHECK(api.get("/modules/named/persistence").body.at("content") == "{}");
}

TEST_CASE("Two who change what a module keeps learn of each other", "[http][api][modules]") {
    KeeperApi api;
    const std::string none = api.get(address).headers.at("etag");
    const auto made = api.put(R"({"runs": 1})", none);
    CHECK(made.status == 200);
    const std::string first = made.headers.at("etag");
    CHECK(api.get(address).headers.at("etag").starts_with(first.substr(0, first.size() - 1)));
    CHECK(api.put(R"({"runs": 2})", none).status == 412);
    CHECK(api.call("PUT", address, {{"content", "{}"}}, {api.with_patients}).status == 428);
    const auto changed = api.put(R"({"runs": 2})", first);
    CHECK(changed.body.at("content") == R"({"runs": 2})");
    const auto stale = api.put(R"({"runs": 3})", first);
    CHECK(stale.status == 412);
    CHECK(stale.body.at("current").at("content") == R"({"runs": 2})");
    CHECK(api.put(nullptr, changed.headers.at("etag")).body.at("exists") == false);
    CHECK(std::filesystem::is_empty(api.folder / "persistence" / "keeper"));
    CHECK(api.get("/audit?action=putModulePersistence").body.at("items")[0].at("object") ==
          "/modules/keeper/persistence persistence.json");
}

TEST_CASE("While a module runs, what it keeps is not changed", "[http][api][modules]") {
    KeeperApi api;
    api.keep("keeper", "persistence.json", "{}");
    const std::string etag = api.get(address).headers.at("etag");
    api.modules.used.insert("keeper");
    const auto refused = api.put(R"({"runs": 1})", etag);
    CHECK(refused.status == 423);
    CHECK(refused.body.at("code") == "locked");
    CHECK(refused.headers.contains("retry-after"));
    CHECK(read_file(api.folder / "persistence" / "keeper" / "persistence.json") == "{}");
    api.modules.used.clear();
    CHECK(api.put(R"({"runs": 1})", etag).status == 200);
    CHECK(api.modules.told == std::vector<std::string>{"hold keeper"});
}

TEST_CASE("Only JSON goes into a JSON file, and any text into others", "[http][api][modules]") {
    KeeperApi api;
    const auto wrong = api.put("{", "\"none\"");
    CHECK(wrong.status == 422);
    CHECK(wrong.body.at("errors")[0].at("pointer") == "/content");
    CHECK(api.put("{", "\"none\"", std::string(address) + "?file=notes.txt").status == 200);
    const std::string large(500'000, 'x');
    CHECK(api.put(large, "\"none\"", std::string(address) + "?file=large.txt").body.at("bytes") == 500'000);
}

TEST_CASE("Nothing but the files of the module is read or written", "[http][api][modules]") {
    KeeperApi api;
    write_file(api.folder / "secret", "secret");
    api.keep("keeper", "own", "x");
    std::filesystem::create_symlink(api.folder / "secret", api.folder / "persistence" / "keeper" / "link");
    for (const char* file : {"..%2F..%2Fsecret", "%2Fetc%2Fpasswd", "..", ".hidden", "1.lock", "a%5Cb"}) {
        CAPTURE(file);
        CHECK(api.get(std::string(address) + "?file=" + file).status == 422);
        CHECK(api.put("x", "\"none\"", std::string(address) + "?file=" + file).status == 422);
    }
    const auto link = api.get(std::string(address) + "?file=link");
    CHECK(link.status >= 400);
    CHECK(link.text.find("secret\"") == std::string::npos);
    CHECK(api.put("x", "\"none\"", std::string(address) + "?file=link").status >= 400);
    CHECK(read_file(api.folder / "secret") == "secret");
}

TEST_CASE("A module that keeps nothing has no files, and who may not see patients sees none", "[http][api][modules]") {
    KeeperApi api;
    CHECK(api.get("/modules/bone/persistence").status == 404);
    CHECK(api.get("/modules/none/persistence").status == 404);
    CHECK(api.get_masked(address).status == 403);
    CHECK(api.call("GET", address, nullptr, {api.full_token(Role::operate, true)}).status == 403);
}
