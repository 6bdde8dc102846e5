#include "http/api/rule_trials.hpp"

#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct TrialsApi : HistoryApi {
    ApiAnswer post(const std::string& target, const json& body) { return call("POST", target, body, {with_patients}); }
};

}  // namespace

TEST_CASE("A rule is checked with the place of each fault", "[http][api][rules]") {
    TrialsApi api;
    const auto good = api.post("/rules/validate", {{"expression", "tags.Modality == 'CT'"}});
    CHECK(good.body.at("ok") == true);
    CHECK(good.body.at("tags").dump() == R"(["Modality"])");
    const auto bad = api.post("/rules/validate", {{"expression", "tags.Modality =="}});
    CHECK(bad.body.at("ok") == false);
    CHECK(bad.body.at("diagnostics")[0].at("severity") == "error");
    CHECK(bad.body.at("diagnostics")[0].contains("column"));
}

TEST_CASE("A rule is tried on given tags, on one series, and on the newest", "[http][api][rules]") {
    TrialsApi api;
    api.add_series(1, "CT");
    api.add_series(2, "MR");
    const std::string expression = "tags.PatientName == 'Doe^Jane 2'";
    const auto on = [&](const json& sample) {
        return api.post("/rules/test", {{"expression", expression}, {"sample", sample}});
    };
    CHECK(on({{"tags", {{"PatientName", "Doe^Jane 2"}}}}).body.at("items")[0].at("evaluation").at("triggered") == true);
    CHECK(on({{"series_id", api.uid_of(1)}}).body.at("items")[0].at("evaluation").at("triggered") == false);
    CHECK(on({{"recent", 10}}).body.at("items").size() == 2);
    CHECK(on({{"series_id", "1.1.1"}}).status == 404);
    CHECK(on({{"recent", 100'000}}).status == 422);
    CHECK(api.post("/rules/test", {{"rule", "ct"}, {"sample", {{"recent", 1}}}}).status == 200);
    CHECK(api.post("/rules/test", {{"rule", "nothing"}, {"sample", {{"recent", 1}}}}).status == 422);
    const auto masked = api.call("POST", "/rules/test", {{"expression", expression}, {"sample", {{"recent", 1}}}},
                                 {api.without_patients});
    // Neither the values nor the outcome may tell somebody who must not see patients.
    CHECK(masked.body.at("items")[0].at("evaluation").at("triggered") == false);
    const auto& explain = masked.body.at("items")[0].at("evaluation").at("explain");
    for (const json& part : explain) CHECK(part.at("value").is_null());
    const auto name =
        api.call("POST", "/rules/test", {{"expression", "tags.PatientName"}, {"sample", {{"recent", 10}}}},
                 {api.without_patients});
    CHECK(name.body.dump().find("Doe") == std::string::npos);
}

TEST_CASE("The impact of a rule is the series that would have gone another way", "[http][api][rules]") {
    TrialsApi api;
    api.advance(std::chrono::hours(1));
    for (int n = 0; n < 10; ++n) api.add_series(n, n % 2 == 0 ? "CT" : "US");
    const json rule = {{"name", "us"}, {"rule", "tags.Modality == 'US'"}, {"target", "web"}};
    const auto added = api.post("/rules/impact", {{"rule", rule}});
    CHECK(added.status == 200);
    CHECK(added.body.at("looked_at") == 10);
    CHECK(added.body.at("changed_count") == 5);
    CHECK(added.body.at("matched").at("us") == 5);
    CHECK(added.body.at("per_target").at("web") == 5);
    CHECK(added.body.at("changed")[0].at("before").empty());
    const auto none = api.post("/rules/impact", {{"ruleset", json::object()}});
    CHECK(none.body.at("changed_count") == 5);
    CHECK(none.body.at("per_target").at("pacs") == -5);
    const auto windowed = api.post("/rules/impact", {{"rule", rule}, {"window_s", 3595}});
    CHECK(windowed.body.at("looked_at") == 5);
    CHECK(api.post("/rules/impact", json::object()).status == 422);
}

TEST_CASE("A changed rule takes its place among the others", "[http][api][rules]") {
    api::Impact impact({api::rule_of("a", {{"rule", "True"}, {"target", "x"}})},
                       {api::rule_of("a", {{"rule", "True"}, {"target", "y"}, {"disabled", true}}),
                        api::rule_of("b", {{"rule", "True"}, {"fallback", "True"}, {"target", {"y", "z"}}})});
    impact.look_at("1", Tags());
    CHECK(impact.result({}).dump() ==
          R"({"changed":[{"after":["b"],"before":["a"],"series_id":"1"}],"changed_count":1,"looked_at":1,)"
          R"("matched":{"b":1},"module_seconds":0.0,"per_target":{"x":-1,"y":1,"z":1}})");
}

TEST_CASE("The impact says how much longer modules would run", "[http][api][rules]") {
    api::Impact impact({api::rule_of("a", {{"rule", "True"}, {"action", "process"}, {"processing_module", "old"}})},
                       {api::rule_of("a", {{"rule", "True"}, {"action", "both"}, {"processing_module", {"m", "n"}}}),
                        api::rule_of("b", {{"rule", "True"}, {"action", "route"}, {"processing_module", "m"}})});
    impact.look_at("1", Tags());
    impact.look_at("2", Tags());
    CHECK(impact.result({{"old", 5.0}, {"m", 20.5}}).at("module_seconds") == 31.0);
}

TEST_CASE("A rule that is tried names the others that trigger", "[http][api][rules]") {
    TrialsApi api;
    const json sample = {{"tags", {{"Modality", "CT"}}}};
    const auto others = [&](json body) {
        body["sample"] = sample;
        return api.post("/rules/test", body).body.at("items")[0].at("other_rules").dump();
    };
    CHECK(others({{"expression", "True"}}) == R"(["ct"])");
    CHECK(others({{"rule", "ct"}}) == "[]");
    CHECK(others({{"rule", "mr"}}) == R"(["ct"])");
}
