#include "http/api/api_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct RevisionsApi : ApiFixture {
    std::pair<std::string, std::string> admin = full_token(Role::admin, false);

    ApiAnswer get(const std::string& target) { return call("GET", target, nullptr, {admin}); }
    ApiAnswer post(const std::string& target, const json& body) { return call("POST", target, body, {admin}); }
    void comment(const std::string& rule, const std::string& text) {
        const std::string etag = get("/rules/" + rule).headers.at("etag");
        REQUIRE(call("PATCH", "/rules/" + rule, {{"comment", text}}, {admin, {"If-Match", etag}}).status == 200);
    }
    json on_disk() const { return json::parse(read_file(sources.file)); }
};

}  // namespace

TEST_CASE("An old configuration comes back as a new revision", "[http][api][revisions]") {
    RevisionsApi api;
    const json before = api.on_disk();
    api.comment("ct", "one");
    api.comment("mr", "two");
    const auto diff = api.get("/config/revisions/1/diff?to=3");
    CHECK(diff.body.at("changes").size() == 2);
    CHECK(api.get("/config/revisions/2/diff").body.at("changes")[0].at("path") == "/rules/mr/comment");
    const auto trial = api.post("/config/revisions/1/actions/restore?dry_run=true", json::object());
    CHECK(trial.body.at("changes").size() == 2);
    const auto restored = api.post("/config/revisions/1/actions/restore", json::object());
    CHECK(restored.status == 200);
    CHECK(restored.body.at("revision") == 4);
    CHECK(api.on_disk() == before);
    CHECK(api.get("/config/revisions").body.at("items")[0].at("source") == "restore");
    CHECK(api.get("/config/revisions/99").status == 404);
    CHECK(api.get("/config/revisions/x").status == 404);
}

TEST_CASE("One object comes back and the others stay", "[http][api][revisions]") {
    RevisionsApi api;
    api.comment("ct", "one");
    api.comment("mr", "two");
    const json objects = {{"objects", {{{"type", "rule"}, {"name", "ct"}}}}};
    CHECK(api.post("/config/revisions/1/actions/restore", objects).status == 200);
    CHECK_FALSE(api.on_disk().at("rules").at("ct").contains("comment"));
    CHECK(api.on_disk().at("rules").at("mr").at("comment") == "two");
    const json unknown = {{"objects", {{{"type", "rule"}, {"name", "nobody"}}}}};
    CHECK(api.post("/config/revisions/1/actions/restore", unknown).status == 404);
}

TEST_CASE("A file broken by hand is mended by a restore", "[http][api][revisions]") {
    RevisionsApi api;
    const json before = api.on_disk();
    write_file(api.sources.file, "{ broken");
    CHECK(api.post("/config/revisions/1/actions/restore", json::object()).status == 200);
    CHECK(api.on_disk() == before);
}

TEST_CASE("An import tells what it does to each object, and keeps secrets that it does not know",
          "[http][api][revisions]") {
    RevisionsApi api;
    json file = api.get("/config/export").body;
    file["rules"].erase("ct");
    file["targets"]["new"] = {{"target_type", "folder"}, {"folder", "/tmp/x"}};
    const auto trial = api.post("/config/import?dry_run=true", file);
    CHECK(trial.status == 200);
    CHECK(trial.body.at("revision").is_null());
    std::string report;
    for (const json& line : trial.body.at("report")) {
        report += line.at("object").get<std::string>() + " " + line.at("action").get<std::string>() + "; ";
    }
    CHECK(report.find("rule ct removed; ") != std::string::npos);
    CHECK(report.find("target new added; ") != std::string::npos);
    CHECK(api.on_disk().at("rules").contains("ct"));
    CHECK(api.post("/config/import?format=mercure", file).status == 200);
    CHECK_FALSE(api.on_disk().at("rules").contains("ct"));
    CHECK(api.on_disk().at("targets").at("web").at("http_password") == "hidden one");
    file["port"] = 99999;
    const auto refused = api.post("/config/import", file);
    CHECK(refused.status == 422);
    CHECK(refused.body.at("report").size() > 0);
}

TEST_CASE("The history is read in pages", "[http][api][revisions]") {
    RevisionsApi api;
    for (int i = 0; i < 4; ++i) api.comment("ct", std::to_string(i));
    const auto first = api.get("/config/revisions?limit=3");
    CHECK(first.body.at("items").size() == 3);
    const auto second = api.get("/config/revisions?limit=3&cursor=" + first.body.at("next_cursor").get<std::string>());
    CHECK(second.body.at("items").size() == 2);
    CHECK(second.body.at("next_cursor").is_null());
}
