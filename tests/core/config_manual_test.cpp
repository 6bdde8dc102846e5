#include "quicksilver/core/config_field.hpp"
#include "quicksilver/core/config_report.hpp"

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <cstdlib>
#include <set>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

std::vector<FieldTable> all_tables() {
    std::vector<FieldTable> tables{setting_fields(), rule_fields(), module_fields()};
    for (const auto type : target_types()) tables.push_back(target_fields(type));
    return tables;
}

}  // namespace

TEST_CASE("docs/configuration.md is what the tables say", "[config]") {
    const std::filesystem::path manual = std::filesystem::path(QUICKSILVER_SOURCE_FOLDER) / "docs/configuration.md";
    if (std::getenv("QUICKSILVER_UPDATE_DOCS")) write_file(manual, config_manual());
    INFO("out of date; run: QUICKSILVER_UPDATE_DOCS=1 core_tests \"docs/configuration.md is what the tables say\"");
    CHECK((std::filesystem::exists(manual) && read_file(manual) == config_manual()));
}

TEST_CASE("docs/targets.md is what the tables say", "[config]") {
    const std::filesystem::path manual = std::filesystem::path(QUICKSILVER_SOURCE_FOLDER) / "docs/targets.md";
    if (std::getenv("QUICKSILVER_UPDATE_DOCS")) write_file(manual, targets_manual());
    INFO("out of date; run: QUICKSILVER_UPDATE_DOCS=1 core_tests \"docs/targets.md is what the tables say\"");
    CHECK((std::filesystem::exists(manual) && read_file(manual) == targets_manual()));
}

TEST_CASE("Every kind of target is described with all its fields", "[config]") {
    const std::string manual = targets_manual();
    for (const std::string_view type : target_types()) {
        CAPTURE(type);
        CHECK(manual.find("(`" + std::string(type) + "`)") != std::string::npos);
        for (const ConfigField& field : target_fields(type)) {
            CAPTURE(field.key);
            CHECK(manual.find("| `" + std::string(field.key) + "`") != std::string::npos);
        }
    }
}

TEST_CASE("Every setting has a name of its own, a help text and a default that its own check accepts", "[config]") {
    for (const FieldTable table : all_tables()) {
        std::set<std::string_view> keys;
        for (const ConfigField& field : table) {
            CAPTURE(field.key);
            CHECK(keys.insert(field.key).second);
            CHECK_FALSE(field.help.empty());
            CHECK_NOTHROW(default_value(field));
            CHECK_FALSE((field.required && field.has_default()));
            CHECK(field.min <= field.max);
        }
    }
    for (const ConfigField& field : setting_fields()) {
        CAPTURE(field.key);
        CHECK_FALSE(field.group.empty());
    }
}

TEST_CASE("The row of a setting is found by its path", "[config]") {
    const auto document = nlohmann::ordered_json::parse(
        R"({"targets": {"a": {"target_type": "xnat"}, "b": {"target_type": "sftp"}, "c": {"password": "x"}}})");
    const auto find = [&](std::vector<std::string> path) { return find_field_of_path(document, path); };
    REQUIRE(find({"http", "port"}));
    CHECK(find({"http", "port"})->key == "http.port");
    CHECK(find({"features", "dummy_target"})->key == "features");
    CHECK(find({"targets", "a", "host"})->type == FieldType::url);
    CHECK(find({"targets", "b", "host"})->type == FieldType::host);
    CHECK(find({"targets", "c", "password"})->secret);
    CHECK(find({"rules", "r", "target"})->type == FieldType::text_list);
    CHECK(find({"modules", "m", "settings", "deep"})->key == "settings");
    CHECK(find({"rules"})->key == "rules");
    CHECK(find({"rules", "r"})->key == "rules");
    CHECK_FALSE(find({"unknown"}));
    CHECK_FALSE(find({"rules", "r", "unknown"}));
    CHECK_FALSE(find({}));
}
