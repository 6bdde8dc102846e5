#include "quicksilver/core/config_loader.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"

#include <fmt/format.h>

using namespace quicksilver;
using namespace quicksilver::test;
using Lines = std::vector<std::string>;

namespace {

LoadedConfig load_target(const std::string& json) {
    return load_text(fmt::format(R"({{"targets": {{"t": {}}}}})", json));
}

}  // namespace

TEST_CASE("A target without a type gets it from its fields", "[config]") {
    struct Row {
        const char *json, *type;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"ip": "10.0.0.1", "port": "104", "aet_target": "PACS"})", "dicom"},
        {R"({"ip": "10.0.0.1", "port": "104", "aet_target": "MAIN PACS"})", "dicom"},
        {R"({"ip": "pacs_1", "port": 104, "aet_target": "PACS"})", "dicom"},
        {R"({"ip": "fe80::1%eth0", "port": 104, "aet_target": "PACS"})", "dicom"},
        {R"({"ip": "[2001:db8::1]", "aet_target": "PACS"})", "dicom"},
        {R"({"ip": "sender"})", "dicom"},
        {R"({"ip": "h", "aet_target": "A", "tls_key": "/k", "tls_cert": "/c", "ca_cert": "/a"})", "dicomtls"},
        {R"({"url": "https://pacs.example/dicomweb"})", "dicomweb"},
        {R"({"folder": "/in", "user": "u", "host": "h"})", "sftp"},
        {R"({"folder": "/in", "user": "u", "host": "h", "run_on_complete": false})", "rsync"},
        {R"({"project_id": "p", "host": "https://x", "user": "u", "password": "s"})", "xnat"},
        {R"({"region": "r", "bucket": "b", "prefix": "", "access_key_id": "i", "secret_access_key": "s"})", "s3"},
        {R"({"folder": "/mnt/share"})", "folder"},
        {R"({"folder": "/mnt/share", "target_type": ""})", "folder"},
        {R"({"folder": "/mnt/share", "target_type": null})", "folder"},
    }));
    CAPTURE(row.json);
    const auto loaded = load_target(row.json);
    INFO(all_lines(loaded));
    REQUIRE(loaded.ok());
    CHECK(loaded.config->targets[0].type == row.type);
    CHECK(loaded.config->targets[0].settings["target_type"] == row.type);
}

TEST_CASE("A target that says nothing of its type never becomes a dummy", "[config]") {
    const char* json = GENERATE("{}", R"({"comment": "later"})", R"({"port": "104"})", R"({"user": "u"})");
    CAPTURE(json);
    const auto loaded = load_target(json);
    CHECK_FALSE(loaded.ok());
    CHECK(lines_of(loaded, ProblemSeverity::error) ==
          Lines{"error: targets.t: has no target_type, and its fields do not tell it; say one of dicom, dicomtls, "
                "dicomweb, sftp, rsync, xnat, s3, folder, group, dummy"});
}

TEST_CASE("The members of a group are targets, and no groups", "[config]") {
    const auto problems = [](const char* members) {
        return lines_of(load_text(fmt::format(R"({{"targets": {{"f": {{"folder": "/x"}},
            "g": {{"target_type": "group", "members": {}}}}}}})",
                                              members)),
                        ProblemSeverity::error);
    };
    CHECK(problems(R"(["f"])").empty());
    CHECK(problems("[]") == Lines{"error: targets.g.members: is empty, so nothing could be delivered"});
    CHECK(problems(R"(["f", "g"])") == Lines{"error: targets.g.members: \"g\" is a group; name its members"});
    const auto loaded = load_text(
        R"({"targets": {"f": {"folder": "/x"},
                        "g": {"target_type": "group", "members": ["f"], "choose": "by_patient", "retry_max": 0}}})");
    REQUIRE(loaded.ok());
    CHECK(loaded.config->targets[1].choose == GroupChoice::by_patient);
    CHECK(loaded.config->targets[1].members == std::vector<std::string>{"f"});
    CHECK(loaded.config->targets[1].retry.attempts == 0);
}

TEST_CASE("Retries of a target go over the global ones, key by key", "[config]") {
    const auto loaded = load_text(
        R"({"retry_delay": 60, "retry_multiplier": 2, "retry_jitter": 10,
            "targets": {"f": {"folder": "/x", "retry_delay_max": 600, "retry_jitter": 50}}})");
    REQUIRE(loaded.ok());
    const RetryConfig& retry = loaded.config->targets[0].retry;
    CHECK(retry.delay.count() == 60);
    CHECK(retry.attempts == 5);
    CHECK(retry.multiplier == 2);
    CHECK(retry.max_delay.count() == 600);
    CHECK(retry.jitter == 0.5);
}

TEST_CASE("A type that does not exist is an error with the nearest name", "[config]") {
    CHECK(lines_of(load_target(R"({"target_type": "dicm", "ip": "h"})"), ProblemSeverity::error) ==
          Lines{"error: targets.t.target_type: \"dicm\" is none of dicom, dicomtls, dicomweb, sftp, rsync, xnat, s3, "
                "folder, group, dummy; did you mean dicom?"});
}

TEST_CASE("The type counts, not what other types might make of the fields", "[config]") {
    const auto loaded = load_target(R"({"target_type": "folder", "folder": "/x", "ip": "10.0.0.1"})");
    REQUIRE(loaded.ok());
    CHECK(loaded.config->targets[0].type == "folder");
    CHECK(loaded.config->targets[0].settings["ip"] == "10.0.0.1");
    CHECK(lines_of(loaded, ProblemSeverity::warning) == Lines{"warning: targets.t.ip: no such setting"});
}

TEST_CASE("Every field that a type requires is asked for", "[config]") {
    struct Row {
        const char* json;
        Lines paths;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"target_type": "dicom"})", {"targets.t.ip"}},
        {R"({"target_type": "dicomtls", "ip": "h"})", {"targets.t.tls_key", "targets.t.tls_cert", "targets.t.ca_cert"}},
        {R"({"target_type": "dicomweb"})", {"targets.t.url"}},
        {R"({"target_type": "sftp"})", {"targets.t.folder", "targets.t.user", "targets.t.host"}},
        {R"({"target_type": "rsync"})", {"targets.t.folder", "targets.t.user", "targets.t.host"}},
        {R"({"target_type": "xnat", "password": null})",
         {"targets.t.project_id", "targets.t.host", "targets.t.user", "targets.t.password"}},
        {R"({"target_type": "s3"})",
         {"targets.t.region", "targets.t.bucket", "targets.t.access_key_id", "targets.t.secret_access_key"}},
        {R"({"target_type": "folder"})", {"targets.t.folder"}},
        {R"({"target_type": "dummy"})", {}},
    }));
    CAPTURE(row.json);
    Lines paths;
    for (const auto& problem : load_target(row.json).problems) {
        CHECK(problem.severity == ProblemSeverity::error);
        CHECK(problem.message.find("is missing. ") == 0);
        paths.push_back(problem.path);
    }
    CHECK(paths == row.paths);
}

TEST_CASE("A DICOM target has numbers, flags and defaults in its settings", "[config]") {
    const auto loaded =
        load_target(R"({"target_type": "dicom", "ip": " pacs ", "port": "104", "aet_target": "MAIN PACS",
        "pass_sender_aet": "True", "retry_delay": 5, "retry_max": 0, "max_parallel": "4", "commitment": "True"})");
    REQUIRE(loaded.ok());
    const TargetConfig& target = loaded.config->targets[0];
    CHECK(target.direction == "push");
    CHECK(target.max_parallel == 4);
    CHECK(target.retry.delay == Seconds(5));
    CHECK(target.retry.attempts == 0);
    CHECK(target.settings["ip"] == "pacs");
    CHECK(target.settings["port"] == 104);
    CHECK(target.settings["port"].is_number_integer());
    CHECK(target.settings["aet_source"] == "");
    CHECK(target.settings["pass_sender_aet"] == true);
    CHECK(target.settings["pass_receiver_aet"] == false);
    CHECK(target.settings["transfer_syntax"] == "as_received");
    CHECK(target.settings["commitment"] == true);
}

TEST_CASE("A target without a retry plan of its own has the global one", "[config]") {
    const auto loaded =
        load_text(R"({"retry_delay": 7, "retry_max": 3, "targets": {"t": {"target_type": "folder", "folder": "/x"}}})");
    REQUIRE(loaded.ok());
    CHECK(loaded.config->targets[0].retry.delay == Seconds(7));
    CHECK(loaded.config->targets[0].retry.attempts == 3);
    CHECK(loaded.config->targets[0].max_parallel == 4);
    CHECK_FALSE(loaded.config->targets[0].settings.contains("retry_delay"));
}

TEST_CASE("A transfer syntax is a name or a UID", "[config]") {
    const auto accepted = [](const std::string& syntax) {
        return load_target(fmt::format(R"({{"target_type": "dicom", "ip": "h", "transfer_syntax": "{}"}})", syntax))
            .ok();
    };
    CHECK(accepted("jpeg_ls_lossless"));
    CHECK(accepted("1.2.840.10008.1.2.4.80"));
    CHECK(accepted(""));
    CHECK_FALSE(accepted("jpeg"));
    CHECK_FALSE(accepted("1.2.x"));
}

TEST_CASE("A target cannot stand in for itself", "[config]") {
    CHECK(lines_of(load_target(R"({"target_type": "dummy", "failover": ["t"]})"), ProblemSeverity::error) ==
          Lines{"error: targets.t.failover: is the target itself"});
}

TEST_CASE("What mercure makes something else of is noted", "[config]") {
    struct Row {
        const char *json, *note;
    };
    const Row row = GENERATE(values<Row>({
        {R"({"ip": "h", "port": "1", "aet_target": "MY AET"})",
         "note: targets.t.aet_target: mercure refuses this value and makes the target a dummy that delivers nothing; "
         "here it is accepted"},
        {R"({"target_type": "dicom", "ip": "pacs_1", "port": "1", "aet_target": "A"})",
         "note: targets.t.ip: mercure refuses this value and with it the whole file; here it is accepted"},
        {R"({"ip": "h", "aet_target": "A", "tls_key": "/k", "tls_cert": "/c", "ca_cert": "/a"})",
         "note: targets.t: mercure reads this target without target_type as dicom, unencrypted; here it is dicomtls by "
         "its fields"},
        {R"({"folder": "/in", "user": "u", "host": "h", "run_on_complete": true})",
         "note: targets.t: mercure reads this target without target_type as sftp; here it is rsync by its fields"},
        {R"({"folder": "/in"})", "note: targets.t: has no target_type; it is folder by its fields"},
    }));
    CAPTURE(row.json);
    const auto loaded = load_target(row.json);
    CHECK(loaded.ok());
    CHECK(lines_of(loaded, ProblemSeverity::note) == Lines{row.note});
}
