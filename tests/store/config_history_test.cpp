#include "quicksilver/store/config_history.hpp"

#include "store/administration_fixture.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;
using Ordered = nlohmann::ordered_json;

namespace {

constexpr const char* first_text = R"({
    "targets": {"pacs": {"target_type": "dicom", "ip": "10.0.0.1", "port": "104", "aet_target": "PACS"}},
    "rules": {"a": {"rule": "True", "target": "pacs"}, "b": {"rule": "False", "target": "pacs"}},
    "bookkeeper_api_key": "first secret"})";

struct HistoryFixture : AdministrationFixture {
    ConfigSources sources{folder / "config.json", folder.path(), {}, {}};
    std::unique_ptr<ConfigHandle> config;
    std::unique_ptr<ConfigHistory> history;
    ConfigAuthor anna{"anna", RevisionSource::interface, "because"};

    HistoryFixture() {
        write_file(sources.file, first_text);
        config = std::make_unique<ConfigHandle>(sources, load_config(sources));
        history = std::make_unique<ConfigHistory>(*config, *administration);
        history->note_file(now);
    }

    Ordered on_disk() const { return Ordered::parse(read_file(sources.file)); }
};

}  // namespace

TEST_CASE("A change is checked, written, counts, and becomes a revision", "[store][history]") {
    HistoryFixture f;
    CHECK(f.history->revisions().last() == 1);
    Ordered document = f.history->document();
    document["rules"]["a"]["rule"] = "tags.Modality == 'CT'";
    const ConfigChange trial = f.history->save(document, f.anna, true, f.now);
    CHECK(trial.ok);
    CHECK(trial.revision == 0);
    CHECK(f.on_disk()["rules"]["a"]["rule"] == "True");
    const ConfigChange change = f.history->save(document, f.anna, false, f.now);
    CHECK(change.ok);
    CHECK(change.revision == 2);
    CHECK(change.changes.dump() ==
          R"([{"from":"True","op":"replace","path":"/rules/a/rule","to":"tags.Modality == 'CT'"}])");
    CHECK(f.on_disk() == document);
    CHECK(f.config->snapshot()->find_rule("a")->rule == "tags.Modality == 'CT'");
    CHECK(f.history->revisions().find(2)->author == "anna");
    CHECK(f.history->revisions().revision_of({"rule", "a"}) == 2);
    CHECK(f.history->revisions().revision_of({"rule", "b"}) == 1);
    CHECK(f.history->save(document, f.anna, false, f.now).revision == 0);
}

TEST_CASE("What cannot work is refused and leaves everything as it was", "[store][history]") {
    HistoryFixture f;
    Ordered document = f.history->document();
    document["targets"]["pacs"]["port"] = 99999;
    const ConfigChange change = f.history->save(document, f.anna, false, f.now);
    CHECK_FALSE(change.ok);
    CHECK(change.problems.front().path == "targets.pacs.port");
    CHECK(f.history->revisions().last() == 1);
    CHECK(f.on_disk()["targets"]["pacs"]["port"] == "104");
}

TEST_CASE("A change of the file by hand becomes a revision before the next change", "[store][history]") {
    HistoryFixture f;
    Ordered by_hand = f.history->document();
    by_hand["rules"]["b"]["rule"] = "True";
    write_file(f.sources.file, by_hand.dump());
    Ordered document = f.history->document();
    f.history->read_file(f.now);
    CHECK(f.history->revisions().last() == 2);
    CHECK(f.history->revisions().find(2)->source == "file");
    CHECK(f.history->document() == by_hand);
    f.history->read_file(f.now);
    CHECK(f.history->revisions().last() == 2);
}

TEST_CASE("A change by hand that somebody else has reloaded is a revision before the next change too",
          "[store][history]") {
    HistoryFixture f;
    Ordered by_hand = f.history->document();
    by_hand["rules"]["b"]["rule"] = "True";
    write_file(f.sources.file, by_hand.dump());
    CHECK(f.config->reload().ok);
    f.history->read_file(f.now);
    CHECK(f.history->revisions().revision_of({"rule", "b"}) == 2);
    CHECK(f.history->revisions().find(2)->source == "file");
}

TEST_CASE("A change by hand that comes between looking and saving is not overwritten", "[store][history]") {
    HistoryFixture f;
    for (const bool reloaded : {false, true}) {
        Ordered document = f.history->document();
        Ordered by_hand = document;
        by_hand["rules"]["b"]["comment"] = reloaded ? "first" : "second";
        write_file(f.sources.file, by_hand.dump());
        if (reloaded) CHECK(f.config->reload().ok);
        document["rules"]["a"]["rule"] = "False";
        const ConfigChange change = f.history->save(document, f.anna, false, f.now);
        CHECK_FALSE(change.ok);
        CHECK(change.problems.front().message.find("by hand") != std::string::npos);
        CHECK(f.on_disk() == by_hand);
    }
}

TEST_CASE("A file that somebody broke is not overwritten but by a restore", "[store][history]") {
    HistoryFixture f;
    write_file(f.sources.file, "{ broken");
    Ordered document = f.history->document();
    document["rules"]["a"]["rule"] = "False";
    const ConfigChange refused = f.history->save(document, f.anna, false, f.now);
    CHECK_FALSE(refused.ok);
    CHECK(refused.file_is_refused);
    CHECK(read_file(f.sources.file) == "{ broken");
    const ConfigAuthor restore{"anna", RevisionSource::restore, ""};
    CHECK(f.history->save(Ordered::parse(*f.history->revisions().document(1)), restore, false, f.now).ok);
    CHECK(f.on_disk() == Ordered::parse(first_text));
}

TEST_CASE("Secrets are nowhere in the differences, but that they changed is", "[store][history]") {
    HistoryFixture f;
    Ordered document = f.history->document();
    document["bookkeeper_api_key"] = "second secret";
    document["targets"]["web"] = {{"target_type", "dicomweb"}, {"url", "http://x"}, {"http_password", "third secret"}};
    const std::string changes = f.history->save(document, f.anna, false, f.now).changes.dump();
    CHECK(changes.find("secret") == std::string::npos);
    CHECK(changes.find("/bookkeeper_api_key") != std::string::npos);
    CHECK(changes.find("/targets/web") != std::string::npos);
}

TEST_CASE("The order of the rules is a difference of its own", "[store][history]") {
    HistoryFixture f;
    Ordered document = f.history->document();
    const Ordered a = document["rules"]["a"];
    document["rules"].erase("a");
    document["rules"]["a"] = a;
    const ConfigChange change = f.history->save(document, f.anna, false, f.now);
    CHECK(change.changes.dump() == R"([{"from":["a","b"],"op":"order","path":"/rules","to":["b","a"]}])");
    CHECK(f.history->revisions().revision_of({"rules", ""}) == 2);
    CHECK(f.history->revisions().revision_of({"rule", "a"}) == 1);
}

TEST_CASE("The objects of a difference", "[store][history]") {
    const auto objects = [](const char* before, const char* after) {
        std::string all;
        for (const auto& [kind, name] : changed_objects(config_diff(Ordered::parse(before), Ordered::parse(after)))) {
            all += kind + " " + name + "; ";
        }
        return all;
    };
    CHECK(objects(R"({"port": 1})", R"({"port": 2})") == "settings ; ");
    CHECK(objects(R"({"targets": {"a": {"x": 1}}})", R"({"targets": {"a": {"x": 2}}})") == "target a; ");
    CHECK(objects("{}", R"({"modules": {"a/b": {}}})") == "module a/b; modules ; ");
    CHECK(objects(R"({"rules": {"a": {}}})", R"({"rules": {"a": {}, "b": {}}})") == "rule b; rules ; ");
}
