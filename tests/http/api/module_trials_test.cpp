#include "http/api/history_fixture.hpp"
#include "http/fake_modules.hpp"
#include "support/catch.hpp"

#include <filesystem>

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct TrialApi : HistoryApi {
    TrialApi() {
        add_series(0);
        const auto written = journal->write({journal::TaskRegistered{clock.wall_now(), "t1", "", uid_of(0)}});
        if (!written) throw std::runtime_error(written.error().message);
        std::filesystem::create_directories(files_folder());
        write_file(files_folder() / (uid_of(0) + "#1.2.dcm"), "x");
        modules.trial_end.exit_code = 0;
        modules.trial_end.seconds = 1.25;
        modules.trial_end.image = "a@sha256:9";
        modules.trial_end.log = "Doe^Jane\n";
        modules.trial_end.result = {{"found", 3}};
        modules.trial_end.outputs = {{"1.2.dcm", 10}};
        modules.trial_end.outputs_total = 1;
    }
    std::filesystem::path files_folder() const { return folders.path(Stage::success, "t1"); }
    ApiAnswer try_on(const std::string& series, const std::pair<std::string, std::string>& who) {
        return call("POST", "/modules/bone/test-run", {{"series_id", series}}, {who});
    }
};

}  // namespace

TEST_CASE("A module is tried on the files of a series", "[http][api][modules]") {
    TrialApi api;
    const auto who = api.full_token(Role::operate, true);
    const json ended = api.end_of(api.try_on(api.uid_of(0), who), who);
    CHECK(ended.at("state") == "done");
    CHECK(ended.at("object") == "bone");
    CHECK(ended.at("result") == json{{"ok", true},
                                     {"problem", nullptr},
                                     {"exit_code", 0},
                                     {"seconds", 1.25},
                                     {"image", "a@sha256:9"},
                                     {"log", "Doe^Jane\n"},
                                     {"result", {{"found", 3}}},
                                     {"outputs", json::array({{{"name", "1.2.dcm"}, {"bytes", 10}}})},
                                     {"outputs_total", 1}});
    CHECK(ended.at("steps").back().at("detail") == "exit code 0 after 1.2 s, 1 files");
    CHECK(api.modules.told == std::vector<std::string>{"try bone on " + api.uid_of(0)});
    REQUIRE(api.modules.tried_files.size() == 1);
    CHECK(api.modules.tried_files[0].parent_path() == api.files_folder());
}

TEST_CASE("A module that fails is a result, and one that cannot run is a problem", "[http][api][modules]") {
    TrialApi api;
    const auto who = api.full_token(Role::operate, true);
    api.modules.trial_end.exit_code = 3;
    api.modules.trial_end.problem = "it ended with exit code 3";
    const json failed = api.end_of(api.try_on(api.uid_of(0), who), who);
    CHECK(failed.at("state") == "done");
    CHECK(failed.at("result").at("ok") == false);
    CHECK(failed.at("result").at("problem") == "it ended with exit code 3");
    CHECK(failed.at("steps").back().at("ok") == false);
    api.modules.away = "the engine is away";
    const json away = api.end_of(api.try_on(api.uid_of(0), who), who);
    CHECK(away.at("state") == "failed");
    CHECK(away.at("problem").at("detail") == "the engine is away");
}

TEST_CASE("Trying a module ends when somebody wants it to", "[http][api][modules]") {
    TrialApi api;
    const auto who = api.full_token(Role::operate, true);
    api.modules.endless = true;
    const auto begun = api.try_on(api.uid_of(0), who);
    const std::string operation = begun.headers.at("location").substr(std::string("/api/v1").size());
    CHECK(api.call("DELETE", operation, nullptr, {who}).status == 204);
    CHECK(api.end_of(begun, who).at("state") == "cancelled");
}

TEST_CASE("What a tried module says is for those who may see patients", "[http][api][modules]") {
    TrialApi api;
    const User user = api.add_user("oleg", Role::operate, true);
    const auto with = api.token_of(user, {"read", "operate", "phi"});
    const auto without = api.token_of(user, {"read", "operate"});
    const auto begun = api.try_on(api.uid_of(0), with);
    CHECK(api.end_of(begun, with).at("result").at("log") == "Doe^Jane\n");
    const json masked = api.end_of(begun, without);
    CHECK(masked.at("result").is_null());
    CHECK(masked.dump().find("Doe") == std::string::npos);
    CHECK(masked.at("steps").back().at("ok") == true);
}

TEST_CASE("There must be a module, a series, and its files", "[http][api][modules]") {
    TrialApi api;
    const auto who = api.full_token(Role::operate, true);
    CHECK(api.try_on("9.9.9", who).status == 404);
    CHECK(api.try_on("../../etc", who).status == 404);
    CHECK(api.call("POST", "/modules/none/test-run", {{"series_id", api.uid_of(0)}}, {who}).status == 404);
    CHECK(api.call("POST", "/modules/bone/test-run", json::object(), {who}).status == 422);
    CHECK(api.try_on(api.uid_of(0), api.full_token(Role::viewer, true)).status == 403);
    std::filesystem::remove_all(api.files_folder());
    CHECK(api.try_on(api.uid_of(0), who).status == 410);
    CHECK(api.modules.told.empty());
}
