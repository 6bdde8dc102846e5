#include "quicksilver/store/secrets.hpp"

#include "http/api/history_fixture.hpp"
#include "http/fake_modules.hpp"
#include "http/unpack.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct ConfigApi : HistoryApi {
    std::pair<std::string, std::string> admin = full_token(Role::admin, false);

    ApiAnswer get(const std::string& target) { return call("GET", target, nullptr, {admin}); }
    std::string etag(const std::string& target) { return get(target).headers.at("etag"); }
    ApiAnswer change(const std::string& method, const std::string& target, const json& body = nullptr) {
        const std::string object = target.substr(0, target.find_first_of("?"));
        return call(method, target, body, {admin, {"If-Match", etag(object.substr(0, object.find("/actions")))}});
    }
    /// Whether somebody who saw it then is told that it is the same.
    bool is_same(const std::string& target, const std::string& seen) {
        return call("GET", target, nullptr, {admin, {"If-None-Match", seen}}).status == 304;
    }
    json on_disk() const { return json::parse(read_file(sources.file)); }
};

}  // namespace

TEST_CASE("Rules are shown in the order of the file, which is theirs", "[http][api][config]") {
    ConfigApi api;
    const auto list = api.get("/rules");
    REQUIRE(list.body.at("items").size() == 2);
    CHECK(list.body.at("items")[0].at("name") == "ct");
    CHECK(list.body.at("items")[1].at("order") == 1);
    CHECK(api.get("/rules/mr").body.at("target").dump() == R"(["pacs","web"])");
    CHECK(api.get("/rules/nothing").status == 404);
}

TEST_CASE("A rule is changed in the file, at once, with who and why in the history", "[http][api][config]") {
    ConfigApi api;
    const auto put = api.call("PUT", "/rules/ct", {{"rule", "tags.Modality == 'PT'"}, {"target", "pacs"}},
                              {api.admin, {"If-Match", api.etag("/rules/ct")}, {"X-Change-Message", "PET is new"}});
    CHECK(put.status == 200);
    CHECK(api.on_disk().at("rules").at("ct").at("rule") == "tags.Modality == 'PT'");
    CHECK_FALSE(api.on_disk().at("rules").at("ct").contains("name"));
    CHECK(api.config->snapshot()->find_rule("ct")->rule == "tags.Modality == 'PT'");
    const auto revision = api.get("/config/revisions").body.at("items")[0];
    CHECK(revision.at("author") == "admin");
    CHECK(revision.at("message") == "PET is new");
    CHECK(revision.at("changes")[0].at("path") == "/rules/ct/rule");
    CHECK(api.get("/audit").body.at("items")[0].at("revision") == revision.at("number"));
}

TEST_CASE("Why something is changed may stand in the body as well", "[http][api][config]") {
    ConfigApi api;
    const auto last_message = [&] { return api.get("/config/revisions").body.at("items")[0].at("message"); };
    CHECK(api.change("PATCH", "/rules/ct", {{"comment", "x"}, {"message", "a rule"}}).status == 200);
    CHECK(last_message() == "a rule");
    CHECK_FALSE(api.on_disk().at("rules").at("ct").contains("message"));
    CHECK(api.change("PATCH", "/settings", {{"retention", 86400}, {"message", "settings"}}).status == 200);
    CHECK(last_message() == "settings");
    CHECK_FALSE(api.on_disk().contains("message"));
    CHECK(api.change("POST", "/rules/ct/actions/rename", {{"name", "chest"}, {"message", "a name"}}).status == 200);
    CHECK(last_message() == "a name");
    CHECK(api.change("PATCH", "/rules/chest", {{"message", 5}}).status == 422);
    json file = api.on_disk();
    file["appliance_name"] = "y";
    file["message"] = "a file";
    CHECK(api.call("POST", "/config/import", file, {api.admin, {"X-Change-Message", "the header"}}).status == 200);
    CHECK(last_message() == "the header");
    CHECK_FALSE(api.on_disk().contains("message"));
}

TEST_CASE("A rule that comes back as it was shown changes nothing", "[http][api][config]") {
    ConfigApi api;
    const json before = api.on_disk();
    CHECK(api.change("PUT", "/rules/ct", api.get("/rules/ct").body).status == 200);
    CHECK(api.change("PUT", "/targets/web", api.get("/targets/web").body).status == 200);
    CHECK(api.on_disk() == before);
    CHECK(api.get("/config/revisions").body.at("items").size() == 1);
}

TEST_CASE("Two who change one rule learn of each other", "[http][api][config]") {
    ConfigApi api;
    const std::string etag = api.etag("/rules/ct");
    const std::string other = api.etag("/rules/mr");
    CHECK(api.change("PATCH", "/rules/ct", {{"comment", "first"}}).status == 200);
    const auto stale = api.call("PATCH", "/rules/ct", {{"comment", "second"}}, {api.admin, {"If-Match", etag}});
    CHECK(stale.status == 412);
    CHECK(stale.body.at("current").at("comment") == "first");
    CHECK(stale.body.at("diff")[0].at("path") == "/rules/ct/comment");
    CHECK(stale.body.at("diff")[0].at("to") == "first");
    CHECK(api.call("PATCH", "/rules/ct", {{"comment", "x"}}, {api.admin}).status == 428);
    // The other rule is as it was.
    CHECK(api.call("PATCH", "/rules/mr", {{"comment", "x"}}, {api.admin, {"If-Match", other}}).status == 200);
}

TEST_CASE("What cannot work is refused with a pointer to it", "[http][api][config]") {
    ConfigApi api;
    const auto port = api.change("PATCH", "/targets/pacs", {{"port", 99999}});
    CHECK(port.status == 422);
    CHECK(port.body.at("errors")[0].at("pointer") == "/port");
    const auto typo = api.change("PATCH", "/rules/ct", {{"fallbak", true}});
    CHECK(typo.status == 422);
    CHECK(typo.body.at("errors")[0].at("pointer") == "/fallbak");
    CHECK(api.on_disk().at("targets").at("pacs").at("port") == "104");
}

TEST_CASE("A trial shows the changes and makes none", "[http][api][config]") {
    ConfigApi api;
    const json before = api.on_disk();
    const auto trial = api.change("PATCH", "/rules/ct?dry_run=true", {{"rule", "tags.Modality =="}});
    CHECK(trial.status == 200);
    CHECK(trial.body.at("changes")[0].at("to") == "tags.Modality ==");
    CHECK(api.change("DELETE", "/rules/ct?dry_run=true").status == 200);
    CHECK(api.on_disk() == before);
}

TEST_CASE("Objects are made by POST, or by PUT where there must be none", "[http][api][config]") {
    ConfigApi api;
    const json rule = {{"rule", "True"}, {"target", "pacs"}};
    json named = rule;
    named["name"] = "new one";
    const auto made = api.call("POST", "/rules", named, {api.admin});
    CHECK(made.status == 201);
    CHECK(made.headers.at("location") == "/api/v1/rules/new%20one");
    CHECK(api.get("/rules/new%20one").body.at("order") == 2);
    CHECK(api.call("POST", "/rules", named, {api.admin}).status == 409);
    CHECK(api.call("POST", "/rules", rule, {api.admin}).status == 422);
    CHECK(api.call("PUT", "/rules/x", rule, {api.admin}).status == 404);
    CHECK(api.call("PUT", "/rules/x", rule, {api.admin, {"If-None-Match", "*"}}).status == 201);
    CHECK(api.call("PUT", "/rules/x", rule, {api.admin, {"If-None-Match", "*"}}).status == 412);
    for (const char* name : {"", " a", "../../etc", ".hidden", "a/b", "a\\b", "a#b", "order", "a\nb"}) {
        named["name"] = name;
        INFO(name);
        CHECK(api.call("POST", "/rules", named, {api.admin}).status == 422);
    }
    CHECK(api.call("PUT", "/rules/..%2F..%2Fetc", rule, {api.admin, {"If-None-Match", "*"}}).status == 422);
}

TEST_CASE("A new name is followed by everything that refers to it", "[http][api][config]") {
    ConfigApi api;
    CHECK(api.change("POST", "/targets/pacs/actions/rename", {{"name", "archive"}}).status == 200);
    CHECK(api.on_disk().at("rules").at("ct").at("target") == "archive");
    CHECK(api.on_disk().at("rules").at("mr").at("target").dump() == R"(["archive","web"])");
    CHECK(api.change("POST", "/modules/bone/actions/rename", {{"name", "age"}}).status == 200);
    CHECK(api.on_disk().at("rules").at("mr").at("processing_module") == "age");
    CHECK(api.change("POST", "/rules/ct/actions/rename", {{"name", "mr"}}).status == 409);
    CHECK(api.change("POST", "/rules/ct/actions/rename", {{"name", "chest"}}).status == 200);
    CHECK(api.get("/rules").body.at("items")[0].at("name") == "chest");
    CHECK(api.on_disk().at("former_names") ==
          json::parse(R"({"targets": {"pacs": "archive"}, "modules": {"bone": "age"}, "rules": {"ct": "chest"}})"));
}

TEST_CASE("A module that is renamed keeps the folder that it has", "[http][api][config]") {
    ConfigApi api;
    const auto folder = [&](const char* name) {
        return api.on_disk().at("modules").at(name).value("persistence_folder_name", "none");
    };
    CHECK(api.change("PATCH", "/modules/bone", {{"requires_persistence", true}}).status == 200);
    CHECK(api.change("POST", "/modules/bone/actions/rename", {{"name", "age"}}).status == 200);
    CHECK(folder("age") == "bone");
    CHECK(api.change("POST", "/modules/age/actions/rename", {{"name", "years"}}).status == 200);
    CHECK(folder("years") == "bone");
}

TEST_CASE("What is in use is not removed", "[http][api][config]") {
    ConfigApi api;
    const auto refused = api.change("DELETE", "/targets/web");
    CHECK(refused.status == 409);
    CHECK(refused.body.at("used_by").dump() == R"(["rule mr"])");
    CHECK(api.change("DELETE", "/modules/bone").status == 409);
    CHECK(api.change("DELETE", "/rules/mr").status == 204);
    CHECK(api.change("DELETE", "/targets/web").status == 204);
    CHECK(api.change("DELETE", "/modules/bone").status == 204);
}

TEST_CASE("Nobody reads a secret by any operation", "[http][api][config]") {
    ConfigApi api;
    for (const char* target : {"/targets", "/targets/web", "/settings", "/config/revisions", "/config/revisions/1",
                               "/config/export", "/modules", "/settings/schema"}) {
        INFO(target);
        const auto answer = api.get(target);
        CHECK(answer.status == 200);
        CHECK(answer.text.find("hidden") == std::string::npos);
    }
    CHECK(api.change("PATCH", "/targets/web", {{"http_password", "other hidden"}}).text.find("hidden") ==
          std::string::npos);
    CHECK(api.on_disk().at("targets").at("web").at("http_password") == "other hidden");
    CHECK(api.get("/config/revisions").text.find("hidden") == std::string::npos);
    CHECK(api.change("PATCH", "/targets/web", {{"http_password", nullptr}}).status == 200);
    CHECK_FALSE(api.on_disk().at("targets").at("web").contains("http_password"));
    CHECK(api.get("/config/export?secrets=true").text.find("hidden two") != std::string::npos);
    CHECK(api.get("/audit?action=exportSecrets").body.at("items").size() == 1);
}

TEST_CASE("A secret tells since when it is what it is", "[http][api][config]") {
    ConfigApi api;
    const auto dates = [&] {
        return std::vector<json>{api.get("/targets/web").body.at("http_password").at("changed_at"),
                                 api.get("/targets").body.at("items")[1].at("http_password").at("changed_at"),
                                 api.get("/settings").body.at("bookkeeper_api_key").at("changed_at")};
    };
    const json first = rfc3339(api.clock.wall_now());
    CHECK(dates() == std::vector<json>{first, first, first});
    api.advance(std::chrono::hours(1));
    CHECK(api.change("PATCH", "/targets/web", {{"comment", "another"}}).status == 200);
    CHECK(dates() == std::vector<json>{first, first, first});
    CHECK(api.change("PATCH", "/targets/web", {{"http_password", "other hidden"}}).status == 200);
    const json now = rfc3339(api.clock.wall_now());
    CHECK(dates() == std::vector<json>{now, now, first});
    CHECK(api.change("PUT", "/targets/web", api.get("/targets/web").body).status == 200);
    CHECK(api.on_disk().at("targets").at("web").at("http_password") == "other hidden");
    CHECK(dates() == std::vector<json>{now, now, first});
}

TEST_CASE("A secret that was shown masked is never saved as its mask", "[http][api][config]") {
    ConfigApi api;
    const std::string secret = R"({"API_KEY": "hidden", "MODE": "a"})";
    CHECK(api.change("PATCH", "/modules/bone", {{"environment", secret}}).status == 200);
    json shown = api.get("/modules/bone").body;
    CHECK(shown.at("environment") == R"({"API_KEY":"********","MODE":"a"})");
    shown["environment"] = R"({"API_KEY":"********","MODE":"b"})";
    CHECK(api.change("PUT", "/modules/bone", shown).status == 200);
    CHECK(api.on_disk().at("modules").at("bone").at("environment") == R"({"API_KEY":"hidden","MODE":"b"})");
    const auto refused = api.change("PATCH", "/targets/web", {{"url", "http://u:********@10.0.0.2"}});
    CHECK(refused.status == 422);
    CHECK(refused.body.at("errors")[0].at("pointer") == "/url");
    const json settings = {{"influxdb_token", "********"}};
    CHECK(api.change("PATCH", "/settings", settings).body.at("errors")[0].at("code") == "masked");
    const json file = {{"targets", {{"new", {{"target_type", "dicomweb"}, {"url", "http://u:********@h"}}}}}};
    CHECK(api.call("POST", "/config/import", file, {api.admin}).status == 422);
}

TEST_CASE("What somebody changed in the file by hand is not lost", "[http][api][config]") {
    ConfigApi api;
    const std::string etag = api.etag("/rules/ct");
    json by_hand = api.on_disk();
    by_hand["rules"]["ct"]["comment"] = "by hand";
    write_file(api.sources.file, by_hand.dump());
    const auto stale = api.call("PATCH", "/rules/ct", {{"comment", "x"}}, {api.admin, {"If-Match", etag}});
    CHECK(stale.status == 412);
    CHECK(stale.body.at("current").at("comment") == "by hand");
    // The same when the watcher of the file was faster than the request.
    const std::string seen = api.etag("/rules/ct");
    by_hand["rules"]["ct"]["comment"] = "once more";
    write_file(api.sources.file, by_hand.dump());
    CHECK(api.config->reload().ok);
    CHECK(api.call("PATCH", "/rules/ct", {{"comment", "x"}}, {api.admin, {"If-Match", seen}}).status == 412);
    CHECK(api.on_disk() == by_hand);
    write_file(api.sources.file, "{ broken");
    const auto refused = api.change("PATCH", "/rules/ct", {{"comment", "x"}});
    CHECK(refused.status == 409);
    CHECK(refused.body.at("code") == "file_refused");
    CHECK(read_file(api.sources.file) == "{ broken");
}

TEST_CASE("Nobody is told that a list is the same when one of its objects changed", "[http][api][config]") {
    ConfigApi api;
    for (const char* target : {"/rules/ct", "/targets/pacs", "/modules/bone"}) {
        INFO(target);
        const std::string list = std::string(target).substr(0, std::string(target).rfind('/'));
        const std::string seen = api.etag(list);
        CHECK(api.is_same(list, seen));
        CHECK(api.change("PATCH", target, {{"comment", "new"}}).status == 200);
        CHECK_FALSE(api.is_same(list, seen));
    }
}

TEST_CASE("Nobody is told that an object is the same when its place, runs or image changed", "[http][api][config]") {
    ConfigApi api;
    const std::string rule = api.etag("/rules/ct");
    const std::string list = api.etag("/rules");
    CHECK(api.call("PUT", "/rules/order", {{"names", {"mr", "ct"}}}, {api.admin, {"If-Match", list}}).status == 200);
    CHECK_FALSE(api.is_same("/rules/ct", rule));
    const std::string moved = api.etag("/rules/ct");
    CHECK(api.is_same("/rules/ct", moved));
    api.add_series(1);
    CHECK(api.journal->write({journal::SeriesState{api.clock.wall_now(), api.uid_of(1), journal::SeriesStage::done,
                                                   "sent", "ct", "t", 1, 1}}));
    CHECK_FALSE(api.is_same("/rules/ct", moved));
    const std::string module = api.etag("/modules/bone");
    api.modules.known.modules["bone"].present = true;
    CHECK_FALSE(api.is_same("/modules/bone", module));
    // What nobody changed may still be changed by those who saw it before.
    const json comment = {{"comment", "x"}};
    CHECK(api.call("PATCH", "/rules/ct", comment, {api.admin, {"If-Match", rule}}).status == 200);
    CHECK(api.call("PATCH", "/modules/bone", comment, {api.admin, {"If-Match", module}}).status == 200);
    CHECK(api.call("PATCH", "/rules/ct", comment, {api.admin, {"If-Match", moved}}).status == 412);
}

TEST_CASE("A long list is packed once", "[http][api][config]") {
    ConfigApi api;
    std::string comment;
    for (int i = 0; i < 100; ++i) comment += secrets::digest(std::to_string(i));
    CHECK(api.change("PATCH", "/rules/ct", {{"comment", comment}}).status == 200);
    const auto packed = api.call("GET", "/rules", nullptr, {api.admin, {"Accept-Encoding", "gzip"}});
    CHECK(packed.headers.at("content-encoding") == "gzip");
    const json list = json::parse(unpack(packed.text), nullptr, false);
    REQUIRE_FALSE(list.is_discarded());
    CHECK(list.at("items")[0].at("comment") == comment);
}
