#include "http/api/operation_examples.hpp"

#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/dicom/phantom.hpp"
#include "quicksilver/store/totp.hpp"

#include "http/api/dicom_setup.hpp"
#include "http/api/json_schema.hpp"
#include "http/fake_modules.hpp"

#include <fmt/format.h>

namespace quicksilver::test {

using nlohmann::json;

namespace {

constexpr const char* patient_name = "Zyxwvut^Quentin";
constexpr const char* patient_id = "QMRN-471108";
constexpr const char* accession = "QACC-081547";
constexpr const char* birth_date = "19380417";

constexpr const char* task_id = "task-1";

constexpr const char* own_password = R"({"password": "seven quiet otters"})";
constexpr const char* one_series = R"({"ids": ["1.2.0001"]})";
constexpr const char* one_task = R"({"ids": ["task-1"]})";
constexpr const char* rename_body = R"({"name": "renamed"})";

json many(const char* id) {
    json ids = json::array();
    for (int i = 0; i < 11; ++i) ids.push_back(id);
    return {{"ids", ids}};
}

std::string with_rule(json body) {
    body["rule"] = "ct";
    return body.dump();
}

/// Of rules, targets and modules, which have the same operations. `Kind` begins the operations' ids.
void add_objects(std::vector<OperationExample>& all, const std::string& one, const std::string& kind,
                 const std::string& name, const std::string& body) {
    const std::string list = "/" + kind;
    const std::string object = list + "/" + name;
    const std::string made = list + "/made";
    json named = json::parse(body);
    named["name"] = "made";
    all.insert(
        all.end(),
        {{"list" + one + "s", "GET", list, "viewer", "read"},
         {"list" + one + "s", "GET", list, "viewer", "read", 304, "", false, list, "If-None-Match: @etag"},
         {"get" + one, "GET", object, "viewer", "read"},
         {"get" + one, "GET", object, "viewer", "read", 304, "", false, object, "If-None-Match: @etag"},
         {"add" + one, "POST", list + "?dry_run=true", "admin", "configure", 200, named.dump()},
         {"add" + one, "POST", list, "admin", "configure", 201, named.dump()},
         {"put" + one, "PUT", list + "/other", "admin", "configure", 201, body, false, "", "If-None-Match: *"},
         {"put" + one, "PUT", made + "?dry_run=true", "admin", "configure", 200, body, false, made, "If-Match: @etag"},
         {"put" + one, "PUT", made, "admin", "configure", 200, body, false, made, "If-Match: @etag"},
         {"patch" + one, "PATCH", made, "admin", "configure", 200, R"({"comment": "x"})", false, made,
          "If-Match: @etag"},
         {"rename" + one, "POST", made + "/actions/rename", "admin", "configure", 200, rename_body, false, made,
          "If-Match: @etag"},
         {"remove" + one, "DELETE", list + "/renamed?dry_run=true", "admin", "configure", 200, "", false,
          list + "/renamed", "If-Match: @etag"},
         {"remove" + one, "DELETE", list + "/renamed", "admin", "configure", 204, "", false, list + "/renamed",
          "If-Match: @etag"}});
}

void add_actions(std::vector<OperationExample>& all, const std::string& what, const std::string& body,
                 const std::string& long_body) {
    const std::string list = what == "Series" ? "/series" : "/tasks";
    std::vector<std::string> verbs = {"retry", "resend", "prioritize", "cancel", "delete"};
    if (what == "Series") verbs.insert(verbs.end(), {"hold", "release"});
    for (const std::string& verb : verbs) {
        const std::string target = list + "/actions/" + verb;
        all.push_back({verb + what, "POST", target, "operator", "operate", 200, body});
        all.push_back({verb + what, "POST", target, "operator", "operate", 202, long_body});
    }
}

std::vector<OperationExample> make_examples() {
    const std::string series = "/series/1.2.0001";
    const std::string source = "/sources/SCANNER%4010.0.0.7";
    const std::string keeper = "/modules/keeper/persistence";
    std::vector<OperationExample> all = {
        {"getSetup", "GET", "/setup", "anyone", ""},
        // Making the first administrator is for a server without users: session_test.
        {"setUp", "POST", "/setup", "anyone", "", 409,
         R"({"setup_code": "x", "username": "anna", "password": "seven quiet otters"})"},
        {"signIn", "POST", "/session", "anyone", "", 201, R"({"username": "olga", "password": "seven quiet otters"})"},
        {"getSession", "GET", "/session", "signed in", ""},
        {"getOpenApi", "GET", "/openapi.json", "anyone", ""},
        {"getOpenApi", "GET", "/openapi.json", "anyone", "", 304, "", false, "/openapi.json", "If-None-Match: @etag"},

        {"getMe", "GET", "/me", "signed in", ""},
        {"patchMe", "PATCH", "/me", "signed in", "", 200, R"({"preferences": {"theme": "dark"}})"},
        {"listMySessions", "GET", "/me/sessions", "signed in", ""},
        {"endMySession", "DELETE", "/me/sessions/@other_session", "signed in", "", 204},
        {"endMyOtherSessions", "DELETE", "/me/sessions", "signed in", "", 204},
        {"addMyToken", "POST", "/me/tokens", "signed in", "", 201, R"({"name": "script", "scopes": ["read"]})"},
        {"listMyTokens", "GET", "/me/tokens", "signed in", ""},
        {"removeMyToken", "DELETE", "/me/tokens/@my_token", "signed in", "", 204},
        {"beginMySecondFactor", "POST", "/me/totp", "signed in", "", 200, own_password},
        {"confirmMySecondFactor", "POST", "/me/totp/confirm", "signed in", "", 200, R"({"totp": "@totp"})"},
        {"getMySecondFactor", "GET", "/me/totp", "signed in", ""},
        {"removeMySecondFactor", "DELETE", "/me/totp", "signed in", "", 204, own_password},
        {"putMyPassword", "PUT", "/me/password", "signed in", "", 204,
         R"({"old": "seven quiet otters", "new": "nine loud herons"})"},

        {"getSystem", "GET", "/system", "viewer", "read"},
        {"getPipeline", "GET", "/pipeline", "viewer", "read"},
        {"listAttention", "GET", "/attention", "viewer", "read"},
        {"acknowledgeAttention", "POST", "/attention/target%20pacs/actions/ack", "operator", "operate", 204},
        {"muteAttention", "POST", "/attention/target%20pacs/actions/mute", "operator", "operate", 204,
         R"({"until": null})"},
        {"pauseStage", "POST", "/pipeline/stages/route/actions/pause", "operator", "operate", 204,
         R"({"reason": "x"})"},
        {"resumeStage", "POST", "/pipeline/stages/route/actions/resume", "operator", "operate", 204},
        {"listLog", "GET", "/log", "viewer", "read"},
        {"listAudit", "GET", "/audit", "admin", "admin"},
        {"exportAudit", "GET", "/audit/export?user=anna", "admin", "admin"},
        {"listSources", "GET", "/sources", "viewer", "read"},
        {"getSource", "GET", source, "viewer", "read"},
        {"patchSource", "PATCH", source, "operator", "operate", 200, R"({"name": "CT 1"})"},
        {"muteSource", "POST", source + "/actions/mute", "operator", "operate", 200, R"({"for_ever": true})"},
        {"getLatency", "GET", "/stats/latency?from=2026-09-20T00:00:00Z&to=2026-09-22T00:00:00Z", "viewer", "read"},
        {"getTimeseries", "GET", "/stats/timeseries?metric=series&group_by=modality", "viewer", "read"},
        {"getStorage", "GET", "/storage", "viewer", "read"},
        {"getStorageForecast", "GET", "/storage/forecast", "viewer", "read"},
        {"cleanStorage", "POST", "/storage/clean?dry_run=true", "admin", "admin"},

        {"listSeries", "GET", "/series", "viewer", "read"},
        {"listSeries", "GET", "/series?q=Chest", "viewer", "read"},
        {"getSeries", "GET", series, "viewer", "read"},
        {"getTimeline", "GET", series + "/timeline", "viewer", "read"},
        {"getTrace", "GET", series + "/trace", "viewer", "read"},
        {"getSeriesTags", "GET", series + "/tags", "viewer", "read"},
        {"getSeriesTags", "GET", series + "/tags?level=instance", "viewer", "read"},
        {"getThumbnail", "GET", series + "/thumbnail", "viewer", "read", 200, "", true},
        {"getThumbnail", "GET", "/series/9.9/thumbnail", "viewer", "read", 204, "", true},
        {"getThumbnail", "GET", series + "/thumbnail", "viewer", "read", 304, "", true, series + "/thumbnail",
         "If-None-Match: @etag"},
        {"listSeriesFiles", "GET", series + "/files", "operator", "read", 200, "", true},
        {"getSeriesArchive", "GET", series + "/archive", "operator", "read", 200, "", true},
        {"getSeriesArchive", "GET", series + "/archive", "operator", "read", 206, "", true, "", "Range: bytes=0-9"},
        {"rerouteSeries", "POST", "/series/actions/reroute", "operator", "operate", 200,
         with_rule(json::parse(one_series))},
        {"rerouteSeries", "POST", "/series/actions/reroute", "operator", "operate", 202, with_rule(many("1.2.0001"))},
        {"listStudies", "GET", "/studies", "viewer", "read"},
        {"getStudy", "GET", "/studies/9.0%23ct", "viewer", "read"},
        {"completeStudy", "POST", "/studies/9.0%23ct/actions/complete", "operator", "operate", 204},
        {"discardStudy", "POST", "/studies/9.0%23ct/actions/discard", "operator", "operate", 204},
        {"extendStudy", "POST", "/studies/9.0%23ct/actions/extend", "operator", "operate", 204},
        {"listTasks", "GET", "/tasks", "viewer", "read"},
        {"getTask", "GET", "/tasks/task-1", "viewer", "read"},
        {"listTaskAttempts", "GET", "/tasks/task-1/attempts", "viewer", "read"},
        {"listTaskEvents", "GET", "/tasks/task-1/events", "viewer", "read"},
        {"getTaskStepLog", "GET", "/tasks/task-1/steps/0/log", "viewer", "read", 200, "", true},
        {"getTaskStepResult", "GET", "/tasks/task-1/steps/0/result", "viewer", "read", 200, "", true},

        {"getRuleLanguage", "GET", "/rules/language", "viewer", "read"},
        {"validateRule", "POST", "/rules/validate", "admin", "read", 200, R"({"expression": "tags.Modality"})"},
        {"testRule", "POST", "/rules/test", "operator", "read", 200,
         R"({"expression": "tags.PatientName + tags.Modality", "sample": {"series_id": "1.2.0001"}})"},
        {"testRule", "POST", "/rules/test", "operator", "read", 200,
         R"({"expression": "tags.PatientID == 'x' or tags.AccessionNumber.nothing", "sample": {"recent": 10}})"},
        {"getImpact", "POST", "/rules/impact", "admin", "configure", 200,
         R"({"rule": {"name": "n", "rule": "tags.PatientName != ''", "target": "pacs"}, "window_s": 8640000})"},
        {"orderRules", "PUT", "/rules/order?dry_run=true", "admin", "configure", 200, R"({"names": ["mr", "ct"]})",
         false, "/rules", "If-Match: @etag"},
        {"orderRules", "PUT", "/rules/order", "admin", "configure", 200, R"({"names": ["mr", "ct"]})", false, "/rules",
         "If-Match: @etag"},
        {"listDicomTags", "GET", "/dicom/tags?prefix=Patient", "viewer", "read"},
        {"inspectDicom", "POST", "/dicom/inspect", "operator", "read", 200, "@file"},

        {"listTargetTypes", "GET", "/target-types", "viewer", "read"},
        {"testTarget", "POST", "/targets/pacs/test", "operator", "operate", 202},
        {"getOperation", "GET", "/operations/@operation", "viewer", "read"},
        {"cancelOperation", "DELETE", "/operations/@operation", "operator", "operate", 409},
        {"testUnsavedTarget", "POST", "/targets/test", "operator", "operate", 202,
         R"({"name": "new", "target_type": "dicom", "ip": "10.0.0.1", "port": "104", "aet_target": "X"})"},
        {"getTargetHealth", "GET", "/targets/pacs/health", "viewer", "read"},
        {"pauseTarget", "POST", "/targets/pacs/actions/pause", "operator", "operate", 204},
        {"resumeTarget", "POST", "/targets/pacs/actions/resume", "operator", "operate", 204},
        {"drainTarget", "POST", "/targets/pacs/actions/drain", "operator", "operate", 204},
        {"retryTarget", "POST", "/targets/pacs/actions/retry-now", "operator", "operate", 204},

        {"listModuleRuntimes", "GET", "/module-runtimes", "viewer", "read"},
        {"listModuleImages", "GET", "/modules/images", "admin", "read"},
        {"pullModuleImage", "POST", "/modules/images/actions/pull", "admin", "configure", 202, R"({"image": "a:1"})"},
        {"loadModuleImages", "POST", "/modules/images/actions/load", "admin", "configure", 202, "@tar"},
        {"putModulePersistence", "PUT", keeper, "admin", "configure", 200, R"({"content": "{}"})", true, keeper,
         "If-Match: @etag"},
        {"getModulePersistence", "GET", keeper, "admin", "read", 200, "", true},
        {"getModulePersistence", "GET", keeper, "admin", "read", 304, "", true, keeper, "If-None-Match: @etag"},
        {"tryModule", "POST", "/modules/bone/test-run", "operator", "operate", 202, R"({"series_id": "1.2.0001"})"},
        {"getOperation", "GET", "/operations/@trial", "viewer", "read"},

        {"getSettingsSchema", "GET", "/settings/schema", "viewer", "read"},
        {"getSettings", "GET", "/settings", "viewer", "read"},
        {"getSettings", "GET", "/settings", "viewer", "read", 304, "", false, "/settings", "If-None-Match: @etag"},
        {"patchSettings", "PATCH", "/settings", "admin", "configure", 200,
         R"({"dicom": {"accept": [{"calling_ae": "OTHER"}]}})", false, "/settings", "If-Match: @etag"},
        {"acceptSource", "POST", source + "/actions/accept", "admin", "configure"},
        {"putSettings", "PUT", "/settings", "admin", "configure", 200, R"({"appliance_name": "y"})", false, "/settings",
         "If-Match: @etag"},
    };
    add_objects(all, "Rule", "rules", "ct", R"({"rule": "True", "target": "pacs"})");
    add_objects(all, "Target", "targets", "pacs", R"({"target_type": "folder", "folder": "/srv/x"})");
    add_objects(all, "Module", "modules", "bone", R"({"docker_tag": "example/x:1"})");
    add_actions(all, "Series", one_series, many("1.2.0001").dump());
    add_actions(all, "Tasks", one_task, many("task-1").dump());
    all.insert(
        all.end(),
        {{"listRevisions", "GET", "/config/revisions", "admin", "configure"},
         {"getRevision", "GET", "/config/revisions/1", "admin", "configure"},
         {"getRevisionDiff", "GET", "/config/revisions/1/diff?to=2", "admin", "configure"},
         {"restoreRevision", "POST", "/config/revisions/1/actions/restore?dry_run=true", "admin", "configure", 200,
          "{}"},
         {"restoreRevision", "POST", "/config/revisions/1/actions/restore", "admin", "configure", 200, "{}"},
         {"exportConfig", "GET", "/config/export", "admin", "configure"},
         {"importConfig", "POST", "/config/import?dry_run=true", "admin", "configure", 200, R"({"rules": {}})"},
         {"listUsers", "GET", "/users", "admin", "admin"},
         {"addUser", "POST", "/users", "admin", "admin", 201,
          R"({"username": "new", "role": "viewer", "password": "seven quiet otters"})"},
         {"importUsers", "POST", "/users/import", "admin", "admin", 200, R"({"old": {"password": "$argon2id$x"}})"},
         {"getUser", "GET", "/users/@user", "admin", "admin"},
         {"getUser", "GET", "/users/@user", "admin", "admin", 304, "", false, "/users/@user", "If-None-Match: @etag"},
         {"putUser", "PUT", "/users/@user", "admin", "admin", 200, R"({"username": "olga", "role": "operator"})", false,
          "/users/@user", "If-Match: @etag"},
         {"patchUser", "PATCH", "/users/@user", "admin", "admin", 200, R"({"email": "a@b.example"})", false,
          "/users/@user", "If-Match: @etag"},
         {"resetPassword", "POST", "/users/@user/actions/reset-password", "admin", "admin", 204,
          R"({"password": "seven quiet otters"})"},
         {"unlockUser", "POST", "/users/@user/actions/unlock", "admin", "admin", 204},
         {"resetSecondFactor", "POST", "/users/@otto/actions/reset-second-factor", "admin", "admin", 204},
         {"endSessions", "POST", "/users/@user/actions/end-sessions", "admin", "admin", 204},
         {"removeUser", "DELETE", "/users/@user", "admin", "admin", 204, "", false, "/users/@user", "If-Match: @etag"},
         {"streamEvents", "GET", "/events", "viewer", "read"},
         {"signOut", "DELETE", "/session", "signed in", "", 204}});
    return all;
}

}  // namespace

const std::vector<OperationExample>& operation_examples() {
    static const std::vector<OperationExample> all = make_examples();
    return all;
}

std::string complaint_about(const json& operation, const json& definitions, const ApiAnswer& answer) {
    const json& responses = operation.at("responses");
    const std::string status = std::to_string(answer.status);
    if (answer.status >= 500) return "status " + status;
    const bool described = responses.contains(status);
    if (answer.status < 400 && !described) return "status " + status + " is not described";
    const json& response = described ? responses.at(status) : responses.at("default");
    if (!response.contains("content")) return answer.text.empty() ? "" : "has content";
    const json& contents = response.at("content");
    const std::string& type = answer.headers.at("content-type");
    if (!contents.contains(type)) return "is " + type;
    const json& content = contents.at(type);
    if (type.find("json") == std::string::npos) return "";
    std::string faults;
    for (const auto& fault : api::schema_faults(content.at("schema"), answer.body, definitions)) {
        faults += fault.pointer + " " + fault.detail + "; ";
    }
    return faults;
}

const std::vector<std::string>& patient_words() {
    static const std::vector<std::string> words = {"Zyxwvut", "Quentin",  patient_id,
                                                   accession, birth_date, "1938-04-17"};
    return words;
}

ExampleWorld::ExampleWorld() {
    require_dictionary();
    names["user"] = add_user("olga", Role::operate).id;
    names["tar"] = "a tar file";
    names["otto"] = add_user("otto", Role::viewer).id;
    Browser otto(*this, "otto");
    const json begun = otto.call("POST", "/me/totp", json::parse(own_password)).body;
    const json confirmation = {{"totp", code_of(begun)}};
    if (otto.call("POST", "/me/totp/confirm", confirmation).status != 200) throw std::runtime_error("no factor");
    const json keeper = {{"name", "keeper"}, {"docker_tag", "a:1"}, {"requires_persistence", true}};
    if (call("POST", "/modules", keeper, {with_patients}).status != 201) throw std::runtime_error("no module");
    modules.trial_end.log = std::string(patient_name) + "\n";
    add_series_of_patient();
    add_files_of_patient();
    add_words_of_peers();
}

void ExampleWorld::add_series_of_patient() {
    const WallTime time = clock.wall_now();
    const std::string uid = uid_of(1);
    journal::SeriesRegistered registered{time, uid, {}};
    const std::pair<const char*, const char*> tags[] = {
        {"StudyInstanceUID", "9.0"},       {"Modality", "CT"},
        {"PatientName", patient_name},     {"PatientID", patient_id},
        {"AccessionNumber", accession},    {"PatientBirthDate", birth_date},
        {"OtherPatientIDs", patient_id},   {"SeriesDescription", "Chest"},
        {"PatientComments", patient_name}, {"ReferringPhysicianName", patient_name},
        {"SenderAET", "SCANNER"},          {"SenderAddress", "10.0.0.7"}};
    registered.tags.add("SeriesInstanceUID", uid);
    for (const auto& [keyword, value] : tags) registered.tags.add(keyword, value);
    const json decision = {{"triggered", {"ct"}},
                           {"rules",
                            {{{"name", "ct"},
                              {"match", true},
                              {"message", fmt::format("{} has no member", patient_name)},
                              {"values", {{{"from", 0}, {"to", 4}, {"text", "tags"}, {"value", patient_name}}}}}}}};
    const std::string said = "refused: " + peer_text(fmt::format("{} is known", patient_name));
    const json task = {
        {"info", {{"applied_rule", "ct"}, {"patient_name", patient_name}, {"mrn", patient_id}, {"acc", accession}}},
        {"process", {{{"module_name", "bone"}, {"output", {{"found", patient_name}}}}}},
        {"dispatch", {{"status", {{"pacs", {{"state", "waiting"}, {"attempts", 1}, {"reason", said}}}}}}}};
    const auto event = [&](TaskEventType type) {
        return journal::TaskEvent{time, task_id, "dispatcher.main", type, 1, "pacs", said};
    };
    const auto written = journal->write(
        {registered, journal::SeriesState{time, uid, journal::SeriesStage::failed, said, "ct", task_id, 1, 1000},
         journal::SeriesDecision{time, uid, task_id, decision.dump()}, journal::TaskRegistered{time, task_id, "", uid},
         journal::TaskUpdated{time, task_id, task.dump()}, journal::TaskRegistered{time, "of-helper", "", uid},
         journal::TaskUpdated{time, "of-helper", json{{"tags", {{"PatientName", patient_name}}}}.dump()},
         event(TaskEventType::dispatch_begin), event(TaskEventType::error),
         journal::ProcessorLog{time, task_id, "bone", "task-1/0/a", 0, true, std::string(patient_name) + "\n", ""},
         journal::ProcessorOutput{time, task_id, accession, patient_id, "bone", 0, "{}",
                                  json{{"name", patient_name}}.dump()},
         journal::MercureEvent{time, "receiver.main", MercureEventType::config_update, Severity::error,
                               "Association from 10.0.0.7 rejected: " + said + " (calling AE SCANNER, called AE X)"}});
    if (!written) throw std::runtime_error(written.error().message);
    control.tasks.emplace_back(task_id);
    CollectedStudyView study;
    study.id = "9.0#ct";
    study.study_uid = "9.0";
    study.rule = "ct";
    study.task = task;
    control.collected.push_back(study);
}

void ExampleWorld::add_files_of_patient() {
    dicom::PhantomOptions options;
    options.instances = 1;
    options.series_uid = uid_of(1);
    options.patient_name = patient_name;
    options.patient_id = patient_id;
    options.accession_number = accession;
    const auto files = dicom::write_phantom_series(options, folder / "made");
    if (!files) throw std::runtime_error(files.error().message);
    names["file"] = read_file(files->front());
    const auto task = folders.path(Stage::success, task_id);
    std::filesystem::create_directories(task);
    std::filesystem::rename(files->front(), task / (uid_of(1) + "#1.dcm"));
}

void ExampleWorld::add_words_of_peers() {
    const std::string said = peer_text(patient_name);
    TargetStatus target;
    target.name = "pacs";
    target.type = "dicom";
    target.last_error = "status 0xA700: " + said;
    status.status.targets.push_back(target);
    status.ready.reasons.push_back("a peer said " + said);
    status.ready.ready = false;
    control.steps = {{"echo", false, std::chrono::milliseconds(3), "refused: " + said, "ask " + said}};
    control.to_clean = {{"success", task_id, clock.wall_now(), 1000, "cannot be removed: " + said}};
    recent_log->write(LogLevel::error, "dispatcher", "delivery failed", {kv("reason", "refused: " + said)});
}

Browser ExampleWorld::sign_in(Role role, bool phi) {
    const User user = add_user(fmt::format("person {}", ++signed_in_), role, phi);
    Browser other(*this, user.username);
    Browser browser(*this, user.username);
    const json sessions = browser.get("/me/sessions").body.at("items");
    for (const json& session : sessions) {
        if (!session.at("current").get<bool>()) names["other_session"] = session.at("id");
    }
    return browser;
}

ApiAnswer ExampleWorld::run(const OperationExample& example, Browser* who) {
    advance(std::chrono::seconds(1));  // so that the limit of requests does not count
    Headers headers;
    if (!example.headers.empty()) {
        const std::size_t colon = example.headers.find(": ");
        std::string value = example.headers.substr(colon + 2);
        if (value == "@etag") {
            const std::string target = resolved(example.match);
            const ApiAnswer shown = who ? who->get(target) : call("GET", target);
            const auto etag = shown.headers.find("etag");
            value = etag == shown.headers.end() ? "\"none\"" : etag->second;
        }
        headers.emplace_back(example.headers.substr(0, colon), value);
    }
    const std::string body = resolved(example.body);
    const std::map<std::string, std::string> types = {{"@file", "application/dicom"}, {"@tar", "application/x-tar"}};
    const auto type = types.find(example.body);
    if (!body.empty()) headers.emplace_back("Content-Type", type == types.end() ? "application/json" : type->second);
    if (who) {
        headers.emplace_back("Cookie", who->cookie);
        headers.emplace_back("Origin", "http://localhost");
        headers.emplace_back("X-CSRF-Token", who->csrf);
    }
    const ApiAnswer answer = call_raw(example.method, resolved(example.target), body, headers);
    if (example.id == "addMyToken" && answer.status == 201) names["my_token"] = answer.body.at("id");
    if (example.id == "beginMySecondFactor" && answer.status == 200) names["totp"] = code_of(answer.body);
    if (example.id == "testTarget" && answer.status == 202) names["operation"] = answer.body.at("id");
    if (example.id == "tryModule" && answer.status == 202) names["trial"] = answer.body.at("id");
    return answer;
}

std::string ExampleWorld::code_of(const json& begun) const {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(clock.wall_now().time_since_epoch());
    const auto secret = totp::from_base32(begun.at("secret").get<std::string>());
    return totp::code(secret.value(), static_cast<std::uint64_t>(now.count() / 30));
}

std::string ExampleWorld::resolved(std::string text) const {
    for (const auto& [name, value] : names) {
        const std::size_t at = text.find("@" + name);
        if (at != std::string::npos) text.replace(at, name.size() + 1, value);
    }
    return text;
}

}  // namespace quicksilver::test
