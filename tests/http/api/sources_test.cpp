#include "http/api/history_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using nlohmann::json;

namespace {

struct SourceApi : HistoryApi {
    std::pair<std::string, std::string> operating = full_token(Role::operate, false);

    SourceApi() {
        add_from("CT1", "10.0.0.1", std::chrono::hours(2));
        add_from("CT1", "10.0.0.1", std::chrono::hours(1));
        add_from("MR@1", "10.0.0.2", std::chrono::hours(3));
        reject("10.0.0.9", "no pattern of dicom.accept matches", "X*", "ORCHX");
    }
    void add_from(const std::string& ae, const std::string& address, std::chrono::seconds ago) {
        const WallTime time = clock.wall_now() - ago;
        const std::string uid = fmt::format("1.5.{}", ++made);
        journal::SeriesRegistered registered{time, uid, {}};
        registered.tags.add("SeriesInstanceUID", uid);
        registered.tags.add("StudyInstanceUID", "1.5");
        registered.tags.add("Modality", "CT");
        registered.tags.add("PatientName", "Doe^Jane");
        registered.tags.add("SenderAET", ae);
        registered.tags.add("SenderAddress", address);
        registered.tags.add("ReceiverAET", "HERE");
        registered.tags.add("DeviceSerialNumber", "S-" + ae);
        journal::SeriesState state{time, uid, journal::SeriesStage::done, "", "", "", 10, 1000};
        if (!journal->write({registered, state})) throw std::runtime_error("cannot write");
    }
    void reject(const std::string& address, const std::string& reason, const std::string& ae,
                const std::string& called) {
        const journal::MercureEvent event{
            clock.wall_now(), "receiver.main", MercureEventType::processing, Severity::warning,
            fmt::format("Association from {} rejected: {} (calling AE {}, called AE {})", address, reason, ae, called)};
        if (!journal->write({event})) throw std::runtime_error("cannot write");
    }
    ApiAnswer act(const std::string& method, const std::string& target, const json& body) {
        return call(method, "/sources/" + target, body, {operating});
    }
    int made = 0;
};

}  // namespace

TEST_CASE("Sources are who has sent, and who was rejected, with the reason", "[http][api][sources]") {
    SourceApi api;
    const auto answer = api.get_masked("/sources");
    CHECK(answer.text.find("Doe") == std::string::npos);
    const json& listed = answer.body;
    const json& items = listed.at("items");
    REQUIRE(items.size() == 3);
    CHECK(items[0].at("id") == "CT1@10.0.0.1");
    CHECK(items[0].at("series") == 2);
    CHECK(items[0].at("instances") == 20);
    CHECK(items[0].at("serial") == "S-CT1");
    CHECK(items[0].at("called_ae") == "HERE");
    CHECK(items[0].at("silent_s") == 3600);
    CHECK(items[0].at("last_day").size() == 24);
    CHECK(items[1].at("id") == "MR@1@10.0.0.2");
    CHECK(items[2].at("id") == "X*@10.0.0.9");
    CHECK(items[2].at("last_seen").is_null());
    CHECK(items[2].at("rejected").at("last").at("reason") == "no pattern of dicom.accept matches");
    CHECK(items[2].at("rejected").at("last").at("called_ae") == "ORCHX");
    REQUIRE(listed.at("rejected").size() == 1);
    const json shown = api.get_masked("/sources/X*@10.0.0.9").body;
    CHECK(shown.at("rejections").size() == 1);
    CHECK(api.get_masked("/sources/nobody@10.0.0.1").status == 404);
    CHECK(api.get("/series?source=MR@1@10.0.0.2").body.at("items").size() == 1);
    CHECK(api.get("/series?source=CT1@10.0.0.2").body.at("items").empty());
    CHECK(api.get("/series?source=CT1").status == 422);
}

TEST_CASE("People name a source and say how long it may be silent", "[http][api][sources]") {
    SourceApi api;
    const auto named = api.act("PATCH", "CT1@10.0.0.1", {{"name", "Basement"}, {"expected_gap_s", 1800}});
    CHECK(named.status == 200);
    CHECK(named.body.at("name") == "Basement");
    CHECK(named.body.at("overdue") == true);
    const auto commented = api.act("PATCH", "CT1@10.0.0.1", {{"comment", "old"}, {"expected_gap_s", nullptr}});
    CHECK(commented.body.at("name") == "Basement");
    CHECK(commented.body.at("comment") == "old");
    CHECK(commented.body.at("overdue") == false);
    CHECK(api.act("PATCH", "CT1@10.0.0.1", {{"expected_gap_s", 1}}).status == 422);
    CHECK(api.act("PATCH", "CT1@10.0.0.1", {{"nmae", "x"}}).status == 422);
    CHECK(api.act("PATCH", "nobody@1.2.3.4", {{"name", "x"}}).status == 404);
    const auto viewer = api.full_token(Role::viewer, false);
    CHECK(api.call("PATCH", "/sources/CT1@10.0.0.1", {{"name", "x"}}, {viewer}).status == 403);
    // After a month of silence it is gone, unless somebody has named it.
    const User later = api.add_user("later", Role::viewer);
    api.advance(std::chrono::hours(24 * 40));
    const auto token = api.token_of(later, {"read"});
    const json items = api.call("GET", "/sources", nullptr, {token}).body.at("items");
    REQUIRE(items.size() == 1);
    CHECK(items[0].at("name") == "Basement");
    CHECK(items[0].at("address") == "10.0.0.1");
}

TEST_CASE("A source is muted until a time, or for ever, or again not", "[http][api][sources]") {
    SourceApi api;
    const std::string target = "CT1@10.0.0.1/actions/mute";
    const std::string until = rfc3339(api.clock.wall_now() + std::chrono::hours(1));
    CHECK(api.act("POST", target, {{"until", until}}).body.at("muted_until") == until);
    api.advance(std::chrono::hours(2));
    CHECK(api.get("/sources/CT1@10.0.0.1").body.at("muted") == false);
    CHECK(api.act("POST", target, {{"for_ever", true}}).body.at("muted") == true);
    CHECK(api.act("POST", target, {{"until", nullptr}}).body.at("muted") == false);
    for (const char* bad : {"2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "tomorrow"}) {
        CHECK(api.act("POST", target, {{"until", bad}}).status == 422);
    }
    CHECK(api.act("POST", target, {{"until", until}, {"for_ever", true}}).status == 422);
}

TEST_CASE("Accepting a source adds it alone to dicom.accept, as a revision", "[http][api][sources]") {
    SourceApi api;
    const std::string target = "/sources/X*@10.0.0.9/actions/accept";
    CHECK(api.call("POST", target, nullptr, {api.operating}).status == 403);
    const auto everyone = api.call("POST", target, nullptr, {api.with_patients});
    CHECK(everyone.status == 409);
    CHECK(everyone.body.at("code") == "accepts_everyone");
    const auto settings = api.get("/settings");
    const auto changed = api.call("PATCH", "/settings", {{"dicom", {{"accept", {{{"address", "10.0.0.[12]"}}}}}}},
                                  {api.with_patients, {"If-Match", settings.headers.at("etag")}});
    REQUIRE(changed.status == 200);
    const auto trial = api.call("POST", target + "?dry_run=true", nullptr, {api.with_patients});
    CHECK(trial.body.at("ok") == true);
    const auto accepted = api.call("POST", target, nullptr, {api.with_patients});
    CHECK(accepted.status == 200);
    CHECK(accepted.body.at("accepted") == json{{"calling_ae", "X\\*"}, {"address", "10.0.0.9"}});
    const auto& patterns = api.config->snapshot()->dicom.accept;
    REQUIRE(patterns.size() == 2);
    CHECK(patterns[1].calling_ae == "X\\*");
    CHECK(api.call("POST", target, nullptr, {api.with_patients}).body.at("code") == "accepted");
    CHECK(api.call("POST", "/sources/CT1@10.0.0.1/actions/accept", nullptr, {api.with_patients}).status == 409);
    const json newest = api.get("/config/revisions").body.at("items")[0];
    CHECK(newest.at("number") == accepted.body.at("revision"));
    CHECK(newest.at("author") == "admin-phi");
}
