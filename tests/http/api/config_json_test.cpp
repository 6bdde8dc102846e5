#include "http/api/config_json.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using nlohmann::json;

namespace {

const char* const file = R"({
    "targets": {"web": {"target_type": "dicomweb", "url": "http://u:pw@h/x", "http_password": "hidden",
                        "access_token": ""}},
    "modules": {"n": {"environment": "{\"API_KEY\": \"hidden\", \"MODE\": \"a\"}",
                      "settings": {"steps": [{"token": "hidden"}]}},
                "m": {"environment": {"API_TOKEN": "hidden", "PLAIN": "seen"}}},
    "influxdb_token": {"file": "/run/secrets/influx"}})";

Ordered take(const char* sent) {
    const Ordered document = Ordered::parse(file);
    const Ordered shown = shown_config(document);
    return with_secrets(json::parse(sent), document["targets"]["web"], shown["targets"]["web"]);
}

/// Of the module `n`.
Ordered take_module(const json& sent) {
    const Ordered document = Ordered::parse(file);
    return with_secrets(sent, document["modules"]["n"], shown_config(document)["modules"]["n"]);
}

std::string pointers_of_masks(const Ordered& taken, const Ordered& before) {
    std::string pointers;
    for (const FieldError& fault : masks_in(taken, before)) pointers += fault.pointer + " ";
    return pointers;
}

}  // namespace

TEST_CASE("What is shown of the configuration holds no secret, and tells which are set", "[http][api][config]") {
    const Ordered shown = shown_config(Ordered::parse(file));
    CHECK(shown.dump().find("hidden") == std::string::npos);
    CHECK(shown.dump().find("pw@") == std::string::npos);
    CHECK(shown["targets"]["web"]["http_password"].dump() == R"({"set":true})");
    CHECK(shown["targets"]["web"]["access_token"] == "");
    CHECK(shown["modules"]["m"]["environment"]["PLAIN"] == "seen");
    CHECK(shown["influxdb_token"]["file"] == "/run/secrets/influx");
}

TEST_CASE("A secret that is left out or sent back as it was shown stays; null clears it", "[http][api][config]") {
    struct Case {
        const char* sent;
        const char* expected;
    };
    const Case cases[] = {
        {R"({"target_type": "dicomweb"})", R"({"target_type":"dicomweb","http_password":"hidden"})"},
        {R"({"http_password": {"set": true}})", R"({"http_password":"hidden"})"},
        {R"({"http_password": "new"})", R"({"http_password":"new"})"},
        {R"({"http_password": {"file": "/x"}})", R"({"http_password":{"file":"/x"}})"},
        {R"({"http_password": null})", "{}"},
        {R"({"url": "http://u:********@h/x"})", R"({"url":"http://u:pw@h/x","http_password":"hidden"})"},
        {R"({"url": "http://u:other@h/x"})", R"({"url":"http://u:other@h/x","http_password":"hidden"})"},
        {R"({"new": 1, "url": "u", "target_type": "t"})",
         R"({"target_type":"t","url":"u","http_password":"hidden","new":1})"},
    };
    for (const Case& one : cases) {
        INFO(one.sent);
        CHECK(take(one.sent).dump() == one.expected);
    }
}

TEST_CASE("Of JSON in a string, members that come back masked stay as they were", "[http][api][config]") {
    struct Case {
        const char* sent;
        const char* expected;
    };
    const Case cases[] = {
        {R"({"API_KEY": "********", "MODE": "b"})", R"({"API_KEY":"hidden","MODE":"b"})"},
        {R"({"API_KEY":"********","MODE":"a"})", R"({"API_KEY": "hidden", "MODE": "a"})"},
        {R"({"API_KEY": "new", "MODE": "********"})", R"({"API_KEY":"new","MODE":"a"})"},
        {R"({"MODE": "b"})", R"({"MODE": "b"})"},
        {"no JSON", "no JSON"},
    };
    for (const Case& one : cases) {
        INFO(one.sent);
        const Ordered taken = take_module({{"environment", one.sent}});
        CHECK(taken["environment"] == one.expected);
    }
}

TEST_CASE("A mask is not taken for a secret where the secret cannot be put back", "[http][api][config]") {
    const Ordered document = Ordered::parse(file);
    const Ordered& web = document["targets"]["web"];
    CHECK(pointers_of_masks(take(R"({"url": "http://u:********@other/x"})"), web) == "/url ");
    CHECK(pointers_of_masks(take(R"({"url": "http://u:********@h/x"})"), web) == "");
    CHECK(pointers_of_masks(take(R"({"http_password": "********", "comment": "*** ******** ***"})"), web) ==
          "/http_password ");
    const Ordered& module = document["modules"]["n"];
    const json renamed = {{"environment", R"({"OTHER_KEY": "********"})"}};
    CHECK(pointers_of_masks(take_module(renamed), module) == "/environment ");
    const json moved = {{"settings", {{"steps", {{{"token", "new"}}, {{"token", "********"}}}}}}};
    CHECK(pointers_of_masks(take_module(moved), module) == "/settings/steps/1/token ");
    const json copied = {{"settings", {{"api_key", {{"set", true}, {"changed_at", "2026-01-01T00:00:00.000Z"}}}}}};
    CHECK(pointers_of_masks(Ordered(copied), Ordered::object()) == "/settings/api_key ");
    CHECK(pointers_of_masks(Ordered({{"set", "PatientID"}}), Ordered::object()) == "");
    CHECK(pointers_of_masks(document, document) == "");
}

TEST_CASE("A patch clears secrets with null at any depth, and sets them anew", "[http][api][config]") {
    const Ordered before = Ordered::parse(R"({"key": "hidden", "http": {"password": "hidden", "port": 1}})");
    const Ordered shown = Ordered::parse(R"({"key": {"set": true}, "http": {"password": {"set": true}, "port": 1}})");
    const auto patched = [&](const char* patch) {
        return with_secrets(with_patch(json(shown), json::parse(patch)), before, shown).dump();
    };
    CHECK(patched(R"({"key": null})") == R"({"http":{"password":"hidden","port":1}})");
    CHECK(patched(R"({"http": {"password": null}})") == R"({"key":"hidden","http":{"port":1}})");
    CHECK(patched(R"({"http": {"port": null, "host": null}, "new": null})") ==
          R"({"key":"hidden","http":{"password":"hidden"}})");
    CHECK(patched(R"({"key": {"file": "/x"}})") == R"({"key":{"file":"/x"},"http":{"password":"hidden","port":1}})");
    CHECK(patched(R"({"key": {"set": true}})") == before.dump());
    CHECK(with_patch({{"set", "PatientID"}, {"text", "a"}}, {{"text", "b"}}) ==
          json{{"set", "PatientID"}, {"text", "b"}});
}

TEST_CASE("Findings point into the object that they are about", "[http][api][config]") {
    const std::vector<ConfigProblem> problems = {
        {ProblemSeverity::error, "targets.pacs.port", "is no port"},
        {ProblemSeverity::error, "targets.pacs2.port", "is no port"},
        {ProblemSeverity::error, "targets.pacs", "is wrong"},
        {ProblemSeverity::warning, "targets.pacs.ip", "is odd"},
        {ProblemSeverity::error, "", "is no JSON"},
    };
    std::string pointers;
    for (const FieldError& fault : faults_of(problems, ProblemSeverity::error, path_of("targets", "pacs"))) {
        pointers += "[" + fault.pointer + "]";
    }
    CHECK(pointers == "[/port][][][]");
}

TEST_CASE("A schema has type, default, unit and choices of each setting", "[http][api][config]") {
    const json rule = fields_schema(rule_fields());
    CHECK(rule["properties"]["action"]["enum"].size() == 5);
    CHECK(rule["properties"]["fallback"]["type"] == "boolean");
    CHECK(rule["properties"]["rule"]["default"] == "False");
    const json web = fields_schema(target_fields("dicomweb"));
    CHECK(web["properties"]["http_password"]["x-secret"] == true);
    const json settings = fields_schema(setting_fields());
    CHECK(settings["properties"]["port"]["x-needs-restart"] == true);
    CHECK(settings["properties"]["retention"]["x-unit"] == "s");
}
