#include "pipeline/targets/stow_answer.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

TEST_CASE("An answer of STOW-RS is read instance by instance", "[pipeline][targets][dicomweb]") {
    const auto answer = parse_stow_answer(R"({
        "00081190": {"vr": "UR", "Value": ["https://pacs/studies/1"]},
        "00081199": {"vr": "SQ", "Value": [
            {"00081150": {"vr": "UI", "Value": ["1.2.840"]}, "00081155": {"vr": "UI", "Value": ["1.1"]}},
            {"00081155": {"vr": "UI", "Value": ["1.2"]}, "00081196": {"vr": "US", "Value": [45056]}}]},
        "00081198": {"vr": "SQ", "Value": [
            {"00081155": {"vr": "UI", "Value": ["1.3"]}, "00081197": {"vr": "US", "Value": [272]}}]},
        "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [49152]}}]}})");
    REQUIRE(answer.ok());
    CHECK(answer->stored == std::map<std::string, std::uint16_t>({{"1.1", 0}, {"1.2", 0xB000}}));
    CHECK(answer->failed == std::map<std::string, std::uint16_t>({{"1.3", 0x0110}}));
    CHECK(answer->other_failure == 0xC000);
}

TEST_CASE("An answer in a list of one is read too", "[pipeline][targets][dicomweb]") {
    const auto answer = parse_stow_answer(R"([{"00081199": {"Value": [{"00081155": {"Value": ["1.1"]}}]}}])");
    REQUIRE(answer.ok());
    CHECK(answer->stored.size() == 1);
}

TEST_CASE("An answer that does not tell what was stored is an error, never a success",
          "[pipeline][targets][dicomweb]") {
    for (const char* body : {"", "<NativeDicomModel/>", "[]", "null", "\"stored\"", "[1, 2]"}) {
        CAPTURE(body);
        CHECK_FALSE(parse_stow_answer(body).ok());
    }
    for (const char* body : {"{}", R"({"00081199": 5})", R"({"00081199": {"Value": [1, {"00081155": {}}]}})"}) {
        CAPTURE(body);
        const auto answer = parse_stow_answer(body);
        REQUIRE(answer.ok());
        CHECK_FALSE(answer->stored.contains("1.1"));
    }
}

TEST_CASE("Failure reasons are named", "[pipeline][targets][dicomweb]") {
    CHECK(stow_failure_text(0xA701) == "0xA701: out of resources");
    CHECK(stow_failure_text(0x0122) == "0x0122: SOP class not supported");
    CHECK(stow_failure_text(0xC001) == "0xC001: cannot understand");
    CHECK(stow_failure_text(0x4242) == "0x4242");
}
