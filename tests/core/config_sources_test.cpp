#include "quicksilver/core/config_loader.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using Lines = std::vector<std::string>;

namespace {

LoadedConfig load_with(std::string_view text, Environment environment, std::vector<std::string> set = {}) {
    ConfigSources sources = plain_sources();
    sources.environment = std::move(environment);
    sources.set = std::move(set);
    return load_config_text(text, sources);
}

LoadedConfig load_with_set(std::string_view text, std::vector<std::string> set) {
    return load_with(text, {}, std::move(set));
}

}  // namespace

TEST_CASE("The file is looked for where the command line and the environment say, in this order", "[config]") {
    Environment environment{
        {"QUICKSILVER_CONFIG", "/a/q.json"}, {"MERCURE_CONFIG_FILE", "/b/m.json"}, {"MERCURE_CONFIG_FOLDER", "/c"}};
    const auto check = [&](const char* command_line, const char* file, const char* named_by) {
        const auto found = find_config_file(command_line, environment, "/data");
        CHECK(found.file == file);
        CHECK(found.named_by == named_by);
        CHECK(found.in_data_folder == (std::string(named_by) == "the data folder"));
    };
    check("/x.json", "/x.json", "--config");
    check("", "/a/q.json", "$QUICKSILVER_CONFIG");
    environment.erase("QUICKSILVER_CONFIG");
    check("", "/b/m.json", "$MERCURE_CONFIG_FILE");
    environment["MERCURE_CONFIG_FILE"] = "";
    check("", "/c/mercure.json", "$MERCURE_CONFIG_FOLDER");
    environment.clear();
    check("", "/data/config/quicksilver.json", "the data folder");
}

TEST_CASE("The data folder is named, or the user's", "[config]") {
    CHECK(*find_data_folder("/d", {{"QUICKSILVER_DATA", "/e"}}, true) == "/d");
    CHECK(*find_data_folder("", {{"QUICKSILVER_DATA", "/e"}}, true) == "/e");
    CHECK(*find_data_folder("", {{"HOME", "/home/u"}}, true) == "/var/lib/quicksilver");
    CHECK(*find_data_folder("", {{"HOME", "/home/u"}}, false) == "/home/u/.local/share/quicksilver");
    CHECK(find_data_folder("d", {}, false)->is_absolute());
    CHECK_FALSE(find_data_folder("", {}, false).ok());
}

TEST_CASE("The command line goes over the environment, and that over the file", "[config]") {
    const std::string file = R"({"port": 1, "retention": 1, "http": {"port": 1001}})";
    const auto loaded =
        load_with(file, {{"QUICKSILVER_RETENTION", "2"}, {"QUICKSILVER_HTTP__PORT", "1002"}}, {"http.port=1003"});
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    CHECK(loaded.config->dicom.port == 1);
    CHECK(loaded.config->cleaner.retention == Seconds(2));
    CHECK(loaded.config->http.port == 1003);
    CHECK(loaded.source["http"]["port"] == 1001);
}

TEST_CASE("Every kind of setting can be given by the command line", "[config]") {
    const auto loaded = load_with_set(
        rich_mercure_json(),
        {"appliance_name=1.0", "port=0", "accept_compressed_images=false", "series_complete_trigger=0.2",
         "disk_free_min=1GB", R"(dicom.accept=[{"calling_ae": "CT*"}])", "dicom.ae_title=MY AET",
         "targets.pacs.port=4242", "targets.web.local.url=https://a=b",
         R"(targets.new={"target_type": "folder", "folder": "/n"})", "rules.rest.disabled=true",
         "rules.night.target=share", "modules.seg.settings.threshold=0.7", "modules.seg.settings.name=liver"});
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    const Config& config = *loaded.config;
    CHECK(config.appliance_name == "1.0");
    CHECK(config.dicom.port == 0);
    CHECK_FALSE(config.dicom.accept_compressed_images);
    CHECK(config.series_complete_trigger == Seconds(0.2));
    CHECK(config.disk_free_min.bytes == 1'000'000'000);
    CHECK(config.dicom.accept.at(0).calling_ae == "CT*");
    CHECK(config.dicom.ae_title == "MY AET");
    CHECK(config.find_target("pacs")->settings["port"] == 4242);
    CHECK(config.find_target("web.local")->settings["url"] == "https://a=b");
    CHECK(config.find_target("new")->type == "folder");
    CHECK(config.find_rule("rest")->disabled);
    CHECK(config.find_rule("night")->targets == Lines{"share"});
    CHECK(config.find_module("seg")->settings["settings"]["threshold"] == 0.7);
    CHECK(config.find_module("seg")->settings["settings"]["name"] == "liver");
}

TEST_CASE("The environment finds names whatever their case", "[config]") {
    const auto loaded = load_with(R"({"targets": {"Main_PACS": {"target_type": "dicom", "ip": "a"}}})",
                                  {{"QUICKSILVER_TARGETS__MAIN_PACS__IP", "b"},
                                   {"QUICKSILVER_RULES__NEW__RULE", "True"},
                                   {"QUICKSILVER_RULES__NEW__ACTION", "discard"}});
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    REQUIRE(loaded.config->targets.size() == 1);
    CHECK(loaded.config->find_target("Main_PACS")->settings["ip"] == "b");
    CHECK(loaded.config->find_rule("new")->action == RuleAction::discard);
}

TEST_CASE("Variables of ours that are no settings are left alone", "[config]") {
    const auto loaded = load_with("{}", {{"QUICKSILVER_CONFIG", "/x"},
                                         {"QUICKSILVER_DATA", "/y"},
                                         {"QUICKSILVER_LOG_LEVEL", "debug"},
                                         {"QUICKSILVER_UPDATE_DOCS", "1"},
                                         {"PORT", "5"},
                                         {"MERCURE_TLS_ENABLED", "false"}});
    CHECK(all_lines(loaded) == "");
    CHECK(loaded.config->dicom.port == 11112);
}

TEST_CASE("Wrong names and values from outside the file say who gave them", "[config]") {
    struct Row {
        Environment environment;
        Lines set, lines;
    };
    const Row row = GENERATE(values<Row>({
        {{{"QUICKSILVER_PROT", "5"}}, {}, {"warning: QUICKSILVER_PROT: no such setting; did you mean port?"}},
        {{}, {"prot=5"}, {"error: --set prot: no such setting; did you mean port?"}},
        {{}, {"port"}, {"error: --set port: is not KEY=VALUE"}},
        {{}, {"=5"}, {"error: --set : is not KEY=VALUE"}},
        {{}, {"port.x=5"}, {"error: port: an object is not a port (1–65535, or 0 for a free one)"}},
        {{}, {"port=1", "port.x=5"}, {"error: --set port.x: port.x goes through a value that is no object"}},
        {{}, {"http.prot=5"}, {"warning: http.prot: no such setting; did you mean port?"}},
        {{{"QUICKSILVER_PORT", "a\xff"}},
         {},
         {"error: port: \"a\xef\xbf\xbd\" is not a port (1–65535, or 0 for a free one)"}},
        {{{"MERCURE_TLS_ENABLED", "1"}},
         {},
         {"warning: dicom.tls: MERCURE_TLS_ENABLED has no effect here; for an encrypted listener set "
          "dicom.tls.certificate, dicom.tls.key and dicom.tls.ca"}},
    }));
    Lines lines;
    for (const auto& problem : load_with("{}", row.environment, row.set).problems) lines.push_back(to_string(problem));
    CHECK(lines == row.lines);
}

TEST_CASE("A secret may be kept in a file or a variable", "[config]") {
    const TemporaryFolder folder;
    write_file(folder / "s3", "from file\n");
    const std::string text =
        R"({"influxdb_token": {"env": "TOKEN"}, "targets": {"t": {"target_type": "s3", "region": "r",
        "bucket": "b", "access_key_id": "i", "secret_access_key": {"file": ")" +
        (folder / "s3").string() + R"("}}}})";
    const auto loaded = load_with(text, {{"TOKEN", "from variable"}});
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    CHECK(loaded.config->monitoring.influxdb_token == "from variable");
    CHECK(loaded.config->find_target("t")->settings["secret_access_key"] == "from file");
    CHECK(loaded.source["influxdb_token"]["env"] == "TOKEN");

    const auto by_variable = load_with("{}", {{"TOKEN", "x"}, {"QUICKSILVER_INFLUXDB_TOKEN", R"({"env": "TOKEN"})"}});
    REQUIRE(by_variable.ok());
    CHECK(by_variable.config->monitoring.influxdb_token == "x");
}

TEST_CASE("A secret that is not where it should be is an error", "[config]") {
    struct Row {
        const char *text, *error;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"influxdb_token": {"env": "NO_SUCH"}})",
         "error: influxdb_token: the environment variable NO_SUCH is not set"},
        {R"({"influxdb_token": {"file": "/no/such"}})",
         "error: influxdb_token: the file /no/such cannot be read: No such file or directory"},
        {R"({"influxdb_token": {"file": "/a", "env": "B"}})",
         R"(error: influxdb_token: is an object, but a secret is a text, {"file": "/path"} or {"env": "NAME"})"},
        {R"({"influxdb_token": {"file": 5}})",
         R"(error: influxdb_token: is an object, but a secret is a text, {"file": "/path"} or {"env": "NAME"})"},
        {R"({"appliance_name": {"file": "/a"}})", "error: appliance_name: is an object, not a text"},
    }));
    CAPTURE(row.text);
    CHECK(lines_of(load_text(row.text), ProblemSeverity::error) == Lines{row.error});
}

TEST_CASE("No message shows a secret", "[config]") {
    const std::string secret = "geheim4711";
    for (const std::string& value :
         {"[\"" + secret + "\"]", "{\"" + secret + "\": 1}", "{\"file\": [\"" + secret + "\"]}"}) {
        CAPTURE(value);
        CHECK(all_lines(load_text(R"({"influxdb_token": )" + value + "}")).find(secret) == std::string::npos);
    }
    CHECK(all_lines(load_text(R"({"influxdb_token": ")" + secret + "\" oops")).find(secret) == std::string::npos);
    CHECK(all_lines(load_text(R"({"influxdb_token": ")" + secret + "\n\"}")).find(secret) == std::string::npos);
}
