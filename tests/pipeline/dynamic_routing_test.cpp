#include "quicksilver/pipeline/dynamic_routing.hpp"

#include "support/catch.hpp"

using namespace quicksilver;
using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

namespace {

struct Fixture {
    Config config;
    RuleConfig rule;

    Fixture() {
        for (const char* name : {"pacs", "archive", "alternate"}) {
            TargetConfig target;
            target.name = name;
            config.targets.push_back(target);
        }
        rule.name = "rule";
        rule.dynamic_routing = true;
        rule.conditional_alternate_target = "alternate";
    }
    DynamicRouting decide(const char* wish) const {
        return decide_dynamic_routing(&rule, Json{{"__mercure_routing", Json::parse(wish)}}, config);
    }
};

}  // namespace

TEST_CASE("A module may choose targets, the alternate one, or none", "[pipeline][dynamic_routing]") {
    const Fixture f;
    CHECK(f.decide(R"({"target": "pacs"})").targets == Names{"pacs"});
    CHECK(f.decide(R"({"target": ["pacs", "archive"]})").targets == Names{"pacs", "archive"});
    CHECK(f.decide(R"({"use_alternate_target": true})").targets == Names{"alternate"});
    CHECK(f.decide(R"({"discard": true, "target": "pacs"})").discard);
    CHECK_FALSE(f.decide(R"({"discard": true, "target": "pacs"})").targets);
    CHECK(f.decide(R"({"target": "pacs", "use_alternate_target": true})").targets == Names{"pacs"});
    for (const char* nothing : {"{}", R"({"target": ""})", R"({"discard": false})", R"({"discard": "yes"})"}) {
        CAPTURE(nothing);
        CHECK_FALSE(f.decide(nothing).targets);
        CHECK_FALSE(f.decide(nothing).discard);
        CHECK(f.decide(nothing).notes.empty());
    }
}

TEST_CASE("A wish that cannot be followed changes nothing and is noted", "[pipeline][dynamic_routing]") {
    Fixture f;
    f.rule.dynamic_routing_allowed_targets = {"pacs"};
    f.rule.conditional_alternate_target = "gone";
    for (const char* wish :
         {R"({"target": "archive"})", R"({"target": ["pacs", "archive"]})", R"({"use_alternate_target": true})", "5"}) {
        CAPTURE(wish);
        CHECK_FALSE(f.decide(wish).targets);
        CHECK(f.decide(wish).notes.size() == 1);
    }
    f.rule.dynamic_routing_allowed_targets.clear();
    CHECK(f.decide(R"({"target": "unknown"})").notes.size() == 1);
}

TEST_CASE("Without dynamic_routing nothing a module says counts", "[pipeline][dynamic_routing]") {
    Fixture f;
    f.rule.dynamic_routing = false;
    CHECK_FALSE(f.decide(R"({"discard": true})").discard);
    CHECK_FALSE(decide_dynamic_routing(nullptr, Json{{"__mercure_routing", {{"discard", true}}}}, f.config).discard);
    for (const char* output : {"null", "[]", "5", R"("text")", "{}"}) {
        CAPTURE(output);
        CHECK(decide_dynamic_routing(&f.rule, Json::parse(output), f.config).notes.empty());
    }
}
