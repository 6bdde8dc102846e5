#include "quicksilver/core/config_loader.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;
using Lines = std::vector<std::string>;

namespace {

/// The effective value of one setting, in JSON; "invalid" when the configuration does not load.
std::string effective(const std::string& key, const std::string& json) {
    const auto loaded = load_text(fmt::format(R"({{"{}": {}}})", key, json));
    return loaded.ok() ? loaded.config->document[key].dump() : "invalid";
}

Lines errors_of(const std::string& text) {
    return lines_of(load_text(text), ProblemSeverity::error);
}
Lines warnings_of(const std::string& text) {
    return lines_of(load_text(text), ProblemSeverity::warning);
}

}  // namespace

TEST_CASE("The file that mercure installs loads without a word", "[config]") {
    const auto loaded = load_text(default_mercure_json());
    CHECK(all_lines(loaded) == "");
    REQUIRE(loaded.ok());
    const Config& config = *loaded.config;
    CHECK(config.appliance_name == "master");
    CHECK(config.dicom.port == 11112);
    CHECK_FALSE(config.dicom.accept_compressed_images);
    CHECK(config.folders.incoming == "/opt/mercure/data/incoming");
    CHECK(config.folders.processing == "/opt/mercure/data/processing");
    CHECK(config.folders.jobs == "/opt/mercure/data/jobs");
    CHECK(config.folders.persistence == "/opt/mercure/persistence");
    CHECK(config.bookkeeper_api_key == "BOOKKEEPER_TOKEN_PLACEHOLDER");
    CHECK(config.retry.delay == Seconds(900));
    CHECK(config.retry.attempts == 5);
    CHECK(config.cleaner.retention == Seconds(259200));
    CHECK(config.cleaner.emergency_percentage == 90);
    CHECK(config.study_forcecomplete_trigger == Seconds(5400));
    CHECK(config.monitoring.graphite_port == 2003);
}

TEST_CASE("Without any setting the defaults count, below the data folder", "[config]") {
    const auto loaded = load_text("{}");
    CHECK(all_lines(loaded) == "");
    REQUIRE(loaded.ok());
    const Config& config = *loaded.config;
    CHECK(config.folders.data == "/data");
    CHECK(config.folders.incoming == "/data/incoming");
    CHECK(config.folders.persistence == "/data/persistence");
    CHECK(config.folders.database == "/data/db/quicksilver.sqlite");
    CHECK(config.folders.run == "/data/run");
    CHECK(config.dicom.address == "0.0.0.0");
    CHECK(config.dicom.port == 11112);
    CHECK(config.dicom.ae_title == "QUICKSILVER");
    CHECK(config.dicom.max_associations == 64);
    CHECK(config.dicom.max_pdu == 131072);
    CHECK_FALSE(config.dicom.accept_compressed_images);
    CHECK_FALSE(config.dicom.tls);
    CHECK(config.http.address == "127.0.0.1");
    CHECK(config.http.port == 8000);
    CHECK(config.disk_free_min.percent == 5);
    CHECK(config.series_complete_trigger == Seconds(60));
    CHECK(config.processing.runner == "docker");
}

TEST_CASE("A grown mercure.json loads with everything in it", "[config]") {
    const auto loaded = load_text(rich_mercure_json());
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    const Config& config = *loaded.config;
    CHECK(config.dicom.port == 11112);
    CHECK(config.dicom.accept_compressed_images);
    CHECK(config.dicom.additional_tags.empty());
    CHECK(config.series_complete_trigger == Seconds(45.5));
    CHECK(config.targets.size() == 13);
    CHECK(config.targets.front().name == "pacs");
    CHECK(config.document["legacy_setting"]["kept"].size() == 3);
    CHECK(lines_of(loaded, ProblemSeverity::warning) == Lines{"warning: legacy_setting: no such setting"});

    REQUIRE(config.rules.size() == 4);
    const RuleConfig& brain = config.rules[1];
    CHECK(brain.name == "brain study");
    CHECK(brain.rule == "@Modality@ == 'MR'");
    CHECK(brain.targets == Lines{"old pacs"});
    CHECK(brain.action == RuleAction::both);
    CHECK(brain.trigger == RuleTrigger::study);
    CHECK(brain.study_condition == StudyCondition::received_series);
    CHECK(brain.study_force_action == StudyForceAction::proceed);
    CHECK(brain.modules == Lines{"anon", "seg"});
    CHECK(brain.processing_settings.size() == 2);
    CHECK(brain.retain_images);
    CHECK(brain.dynamic_routing_allowed_targets == Lines{"pacs"});
    CHECK(brain.notification.on_reception);
    CHECK_FALSE(config.rules[0].disabled);
    CHECK(config.rules[0].priority == Priority::urgent);
    CHECK(config.rules[2].targets.empty());
    CHECK(config.rules[3].fallback);
    CHECK(config.rules[3].action == RuleAction::discard);

    const ModuleConfig* anon = config.find_module("anon");
    REQUIRE(anon);
    CHECK(anon->settings["additional_volumes"]["/srv/keys"]["bind"] == "/keys");
    CHECK(anon->settings["docker_arguments"] == nlohmann::json::object());
    CHECK(anon->settings["network_enabled"] == true);
    CHECK(config.find_module("seg")->settings["network_enabled"] == false);
}

TEST_CASE("Values are coerced as mercure coerces them", "[config]") {
    struct Row {
        const char *key, *given, *effective;
    };
    const Row row = GENERATE(values<Row>({
        {"port", "11113", "11113"},
        {"port", "\"11113\"", "11113"},
        {"port", "\" 104 \"", "104"},
        {"port", "\"\"", "11112"},
        {"port", "null", "11112"},
        {"port", "0", "0"},
        {"port", "104.0", "104"},
        {"retry_max", "\"7\"", "7"},
        {"retry_max", "7.9", "7"},
        {"retry_delay", "\"2.5\"", "2.5"},
        {"series_complete_trigger", "0.25", "0.25"},
        {"accept_compressed_images", "\"True\"", "true"},
        {"accept_compressed_images", "\"false\"", "false"},
        {"accept_compressed_images", "1", "true"},
        {"accept_compressed_images", "\"off\"", "false"},
        {"accept_compressed_images", "\"Yes\"", "true"},
        {"appliance_name", "12", "\"12\""},
        {"appliance_name", "1.5", "\"1.5\""},
        {"appliance_name", "true", "\"True\""},
        {"dicom_receiver", "[]", R"({"additional_tags":{}})"},
        {"dicom_receiver", R"({"additional_tags": []})", R"({"additional_tags":{}})"},
        {"dicom_receiver", R"({"additional_tags": {"0010,0010": 5}})", R"({"additional_tags":{"0010,0010":"5"}})"},
        {"features", R"({"dummy_target": "True", "x": 0})", R"({"dummy_target":true,"x":false})"},
        {"targets", "[]", "{}"},
        {"process_runner", "\"\"", "\"\""},
        {"graphite_port", "0", "2003"},
        {"graphite_ip", "\"\"", "\"\""},
        {"appliance_name", "\"\"", "\"\""},
        {"disk_free_min", "\"\"", "\"5%\""},
        {"offpeak_start", "\"late\"", "\"late\""},
    }));
    CAPTURE(row.key, row.given);
    CHECK(effective(row.key, row.given) == row.effective);
}

TEST_CASE("What cannot be right is an error with its path", "[config]") {
    struct Row {
        const char *text, *error;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"port": 99999})", "error: port: 99999 is not a port (1–65535, or 0 for a free one)"},
        {R"({"port": -1})", "error: port: -1 is not a port (1–65535, or 0 for a free one)"},
        {R"({"port": "dicom"})", "error: port: \"dicom\" is not a port (1–65535, or 0 for a free one)"},
        {R"({"port": true})", "error: port: true is not a port (1–65535, or 0 for a free one)"},
        {R"({"port": [1]})", "error: port: a list is not a port (1–65535, or 0 for a free one)"},
        {R"({"targets": {"pacs": {"target_type": "dicom", "ip": "1.2.3.4", "port": 99999}}})",
         "error: targets.pacs.port: 99999 is not a port (1–65535)"},
        {R"({"targets": {"pacs": {"target_type": "dicom", "ip": "1.2.3.4", "port": 0}}})",
         "error: targets.pacs.port: 0 is not a port (1–65535)"},
        {R"({"targets": {"p.1": {"target_type": "dicom", "ip": "a b"}}})",
         "error: targets[\"p.1\"].ip: \"a b\" is not the name or address of a host"},
        {R"({"retry_max": "many"})", "error: retry_max: \"many\" is not a number"},
        {R"({"emergency_clean_percentage": 101})", "error: emergency_clean_percentage: 101 is out of range (0–100 %)"},
        {R"({"retention": -1})", "error: retention: -1 is out of range (0–3162240000 s)"},
        {R"({"retention": "3 days"})", "error: retention: \"3 days\" is not a number of seconds"},
        {R"({"phi_notifications": "maybe"})", "error: phi_notifications: \"maybe\" is not true or false"},
        {R"({"disk_free_min": "some"})",
         "error: disk_free_min: \"some\" is neither per cent (\"5%\") nor a size (\"10GB\", \"500MiB\", or bytes)"},
        {R"({"dicom": 5})", "error: dicom: is 5, not an object"},
        {R"({"dicom": {"ae_title": "SEVENTEEN-LETTERS"}})",
         "error: dicom.ae_title: \"SEVENTEEN-LETTERS\" has 17 characters; an AE title has at most 16"},
        {R"({"dicom": {"max_pdu": 1024}})", "error: dicom.max_pdu: 1024 is out of range (4096–131072 bytes)"},
        {R"({"dicom": {"accept": {}}})", "error: dicom.accept: is an object, not a list"},
        {R"({"dicom": {"accept": [{"calling_ae": "CT*"}, {}]}})",
         "error: dicom.accept[1]: matches everybody; give calling_ae, called_ae or address, or leave the whole list "
         "empty"},
        {R"({"dicom": {"tls": {"key": "/k.pem"}}})",
         "error: dicom.tls.certificate: is missing, but dicom.tls.key is set"},
        {R"({"http": {"certificate": "/c.pem"}})", "error: http.key: is missing, but http.certificate is set"},
        {R"({"http": {"address": "0.0.0.0"}})",
         "error: http.address: 0.0.0.0 is reached by other machines, and nothing is encrypted; give http.certificate "
         "and http.key (`quicksilver tls self-signed` makes them), or set http.allow_plain"},
        {R"({"sign_in": {"session_idle": 299}})", "error: sign_in.session_idle: 299 is out of range (300–2592000 s)"},
        {R"({"port": 8000})", "error: http.port: 8000 is the same port as port"},
        {R"({"success_folder": "/x", "error_folder": "/x/"})",
         "error: error_folder: /x is also success_folder; each stage needs a folder of its own"},
        {R"({"success_folder": "/x/incoming/a", "incoming_folder": "/x/incoming"})",
         "error: success_folder: /x/incoming/a is inside incoming_folder; each stage needs a folder of its own"},
        {R"({"rules": {"a": {"action": "rout"}}})",
         "error: rules.a.action: \"rout\" is none of route, both, process, discard, notification; did you mean "
         "route?"},
        {R"({"rules": {"a": {"target": {"x": 1}}}})", "error: rules.a.target: is an object, not a text"},
        {R"({"rules": {"a": {"processing_settings": "x"}}})",
         "error: rules.a.processing_settings: is \"x\", not an object or a list of objects"},
        {R"({"rules": {"a": "True"}})", "error: rules.a: is \"True\", not an object"},
        {R"({"rules": ["a"]})", "error: rules: is a list, not an object of name → rule"},
        {R"({"modules": {"m": {"settings": [1]}}})", "error: modules.m.settings: is a list, not an object"},
        {R"({"modules": {"m": {"environment": 5}}})",
         "error: modules.m.environment: is 5, neither an object nor JSON in a string"},
    }));
    CAPTURE(row.text);
    const auto loaded = load_text(row.text);
    CHECK_FALSE(loaded.ok());
    CHECK(lines_of(loaded, ProblemSeverity::error) == Lines{row.error});
}

TEST_CASE("Other machines are spoken to without encryption only when told so", "[config]") {
    for (const char* fine : {R"({"http": {"address": "0.0.0.0", "allow_plain": true}})",
                             R"({"http": {"address": "0.0.0.0", "certificate": "/c.pem", "key": "/k.pem"}})",
                             R"({"http": {"address": "localhost"}})", R"({"http": {"address": "127.0.0.2"}})",
                             R"({"http": {"address": "::1"}})"}) {
        CAPTURE(fine);
        CHECK(load_text(fine).ok());
    }
    for (const char* refused : {R"({"http": {"address": "::", "allow_plain": false}})",
                                R"({"http": {"address": "10.0.0.1"}})", R"({"http": {"address": "pacs.example"}})"}) {
        CAPTURE(refused);
        CHECK_FALSE(load_text(refused).ok());
    }
}

TEST_CASE("What mercure starts with is a warning with its path", "[config]") {
    struct Row {
        const char *text, *warning;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"retension": 5})", "warning: retension: no such setting; did you mean retention?"},
        {R"({"http": {"prot": 5}})", "warning: http.prot: no such setting; did you mean port?"},
        {R"({"unheard_of": 5})", "warning: unheard_of: no such setting"},
        {R"({"retry_max": 5.5})", "warning: retry_max: 5.5 is not a whole number; read as 5"},
        {R"({"graphite_port": 0})", "warning: graphite_port: 0 is not a port (1–65535); read as 2003"},
        {R"({"offpeak_start": "25:00"})",
         "warning: offpeak_start: \"25:00\" is not a time HH:MM, so it is always off-peak"},
        {R"({"incoming_folder": "in"})",
         "warning: incoming_folder: in is no complete path; taken as below the data folder"},
        {R"({"targets": {"pacs": {"target_type": "dummy"}}, "rules": {"a": {"target": "pasc"}}})",
         "warning: rules.a.target: there is no target \"pasc\"; did you mean pacs?"},
        {R"({"rules": {"a": {}}})", "warning: rules.a.target: is empty, so nothing is delivered"},
        {R"({"rules": {"a": {"action": "process"}}})",
         "warning: rules.a.processing_module: is empty, so nothing is processed"},
        {R"({"rules": {"a": {"action": "process", "processing_module": "m"}}})",
         "warning: rules.a.processing_module: there is no module \"m\""},
        {R"({"rules": {"a": {"action": "discard", "notification_email_type": "rtf"}}})",
         "warning: rules.a.notification_email_type: \"rtf\" is none of plain, html; read as plain"},
        {R"({"rules": {"a": {"action": "discard", "targt": 1}}})",
         "warning: rules.a.targt: no such setting; did you mean target?"},
        {R"({"modules": {"m": {"environment": "{A: 1}"}}})",
         "warning: modules.m.environment: the JSON in this string cannot be read (line 1, column 2: invalid literal; "
         "expected string literal), so the module cannot run"},
        {R"({"targets": {"p": {"target_type": "dicom", "ip": ""}}})",
         "warning: targets.p.ip: is empty, so nothing can be delivered"},
        {R"({"targets": {"p": {"target_type": "dicom", "ip": "10.0.0.1:104"}}})",
         "warning: targets.p.ip: \"10.0.0.1:104\" looks like a host with a port"},
        {R"({"targets": {"p": {"target_type": "dummy", "failover": "q"}}})",
         "warning: targets.p.failover: there is no target \"q\""},
        {R"({"targets": {"p": {"target_type": "dummy", "direction": "pull"}}, "rules": {"a": {"target": "p"}}})",
         "warning: rules.a.target: \"p\" is only for queries (direction pull)"},
    }));
    CAPTURE(row.text);
    const auto loaded = load_text(row.text);
    INFO(all_lines(loaded));
    CHECK(loaded.ok());
    CHECK(lines_of(loaded, ProblemSeverity::warning) == Lines{row.warning});
}

TEST_CASE("All problems are told at once", "[config]") {
    const auto loaded = load_text(R"({"port": 99999, "retention": "x",
        "targets": {"a": {"target_type": "dicom", "port": 0}, "b": {}},
        "rules": {"r": {"action": "go", "target": "nobody"}}, "http": {"key": "/k"}})");
    CHECK_FALSE(loaded.ok());
    CHECK(lines_of(loaded, ProblemSeverity::error).size() == 7);
    CHECK(lines_of(loaded, ProblemSeverity::warning) ==
          Lines{"warning: rules.r.target: there is no target \"nobody\""});
}

TEST_CASE("Problems that layers above find take the configuration away when they are errors", "[config]") {
    auto loaded = load_text("{}");
    loaded.add({{ProblemSeverity::warning, "rules.a.rule", "is always true"}});
    CHECK(loaded.ok());
    loaded.add({{ProblemSeverity::error, "rules.a.rule", "does not parse"}});
    CHECK_FALSE(loaded.ok());
    CHECK(loaded.problems.size() == 2);
}

TEST_CASE("retry_max counts attempts as in mercure, and 0 means until it works", "[config]") {
    const auto attempts = [](const std::string& json) { return load_text(json).config->retry.attempts; };
    CHECK(attempts(R"({"retry_max": 5})") == 5);
    CHECK(attempts(R"({"retry_max": 1})") == 1);
    CHECK(attempts(R"({"retry_max": 0})") == 0);
    CHECK_FALSE(load_text(R"({"retry_max": -1})").ok());
}

TEST_CASE("Free disk space is given in per cent or as a size", "[config]") {
    const auto reserve = [](const std::string& json) {
        return load_text(fmt::format(R"({{"disk_free_min": {}}})", json)).config->disk_free_min.bytes_of(1'000'000'000);
    };
    CHECK(reserve(R"("5%")") == 50'000'000);
    CHECK(reserve(R"("0.5 %")") == 5'000'000);
    CHECK(reserve(R"("10GB")") == 10'000'000'000);
    CHECK(reserve(R"("1.5 GiB")") == 1'610'612'736);
    CHECK(reserve(R"("500m")") == 500'000'000);
    CHECK(reserve("4096") == 4096);
    CHECK(reserve(R"("4096")") == 4096);
    CHECK(reserve("0") == 0);
    CHECK(effective("disk_free_min", R"("101%")") == "invalid");
    CHECK(effective("disk_free_min", R"("-1")") == "invalid");
    CHECK(effective("disk_free_min", R"("1PB")") == "invalid");
}

TEST_CASE("An AE title has 1 to 16 characters of ASCII, and blanks around it do not count", "[config]") {
    const auto title = [](const std::string& text) {
        const auto loaded = load_text(nlohmann::json{{"dicom", {{"ae_title", text}}}}.dump());
        return loaded.ok() ? loaded.config->dicom.ae_title : "invalid";
    };
    CHECK(title("MAIN PACS") == "MAIN PACS");
    CHECK(title(" A.B/C-1 ") == "A.B/C-1");
    CHECK(title("SIXTEEN-LETTERS!") == "SIXTEEN-LETTERS!");
    CHECK(title("SIXTEEN-LETTERS!  ") == "SIXTEEN-LETTERS!");
    CHECK(title("  ") == "QUICKSILVER");
    CHECK(title("A\\B") == "invalid");
    CHECK(title("A\tB") == "invalid");
    CHECK(title("RÖNTGEN") == "invalid");
}

TEST_CASE("A listener with TLS is there when its files are", "[config]") {
    const auto loaded =
        load_text(R"({"dicom": {"tls": {"certificate": "/c", "key": "/k", "ca": "/a", "port": 2763}}})");
    REQUIRE(loaded.ok());
    REQUIRE(loaded.config->dicom.tls);
    CHECK(loaded.config->dicom.tls->certificate == "/c");
    CHECK(loaded.config->dicom.tls->key == "/k");
    CHECK(loaded.config->dicom.tls->ca == "/a");
    CHECK(loaded.config->dicom.tls->port == 2763);
}

TEST_CASE("Settings without effect here are noted when they are changed", "[config]") {
    CHECK(lines_of(load_text(R"({"router_scan_interval": 1})"), ProblemSeverity::note).empty());
    CHECK(lines_of(load_text(R"({"router_scan_interval": 5})"), ProblemSeverity::note) ==
          Lines{"note: router_scan_interval: has no effect: work starts when it arrives, nothing is polled"});
}

TEST_CASE("Comments, also those in keys, are no problem", "[config]") {
    CHECK(warnings_of("// first\n{/* a */ \"_note\": 1, \"//port\": 2, // end\n \"port\": 1}\n//last").empty());
}

TEST_CASE("A key that stands twice is told, and the last one counts", "[config]") {
    const auto loaded = load_text(R"({"port": 1, "rules": {"a": {"rule": "x", "rule": "y"}}, "port": 2})");
    REQUIRE(loaded.ok());
    CHECK(loaded.config->dicom.port == 2);
    CHECK(loaded.config->rules[0].rule == "y");
    const auto warnings = lines_of(loaded, ProblemSeverity::warning);
    REQUIRE(warnings.size() == 3);
    CHECK(warnings[0] == "warning: rules.a.rule: stands here twice; the last one counts");
    CHECK(warnings[1] == "warning: port: stands here twice; the last one counts");
}

TEST_CASE("A file that is no JSON gets line and column", "[config]") {
    struct Row {
        const char *text, *error;
    };
    const Row row = GENERATE(values<Row>({
        {"", "error: line 1, column 1: unexpected end of input; expected '[', '{', or a literal"},
        {"[]", "error: is not a JSON object {…}"},
        {"{\n  \"port\": 11112\n  \"retention\": 5\n}",
         "error: line 3, column 13: unexpected string literal; expected '}'"},
        {"{\n\"name\": \"ü\", bad}", "error: line 2, column 14: invalid literal; expected string literal"},
        {"{\"bookkeeper_api_key\": \"geheim\" \"",
         "error: line 1, column 34: invalid string: missing closing quote; "
         "expected '}'"},
        {"{\"port\": 1} x", "error: line 1, column 13: invalid literal; expected end of input"},
    }));
    CAPTURE(row.text);
    CHECK(errors_of(row.text) == Lines{row.error});
}

TEST_CASE("Depth and size are limited", "[config]") {
    const std::string deep = R"({"x": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    CHECK(errors_of(deep).size() == 1);
    CHECK(errors_of(deep)[0].find("nested more than 64 deep") != std::string::npos);

    const std::string large = R"({"x": ")" + std::string(17 * 1024 * 1024, 'x') + "\"}";
    ConfigSources endless = plain_sources();
    endless.file = "/dev/zero";
    CHECK(lines_of(load_config(endless), ProblemSeverity::error) == Lines{"error: larger than 16 MiB"});
    CHECK(errors_of(large) == Lines{"error: larger than 16 MiB"});
}

TEST_CASE("A mad file is not answered with a mad number of lines", "[config]") {
    std::string text = R"({"port": 99999)";
    for (int i = 0; i < 1500; ++i) text += fmt::format(R"(, "unknown setting {}": 1)", i);
    const auto loaded = load_text(text + "}");
    CHECK_FALSE(loaded.ok());
    CHECK(loaded.problems.size() < 600);
}
