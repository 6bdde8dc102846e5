#include "quicksilver/core/config_handle.hpp"

#include "config_fixtures.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <atomic>
#include <thread>

using namespace quicksilver;
using namespace quicksilver::test;
using Lines = std::vector<std::string>;

namespace {

/// A handle over a file of its own.
struct Handled {
    explicit Handled(const std::string& text, ConfigHandle::Validator validate = {})
        : handle(sources, write_and_load(text), std::move(validate)) {}

    LoadedConfig write_and_load(const std::string& text) const {
        write_file(file, text);
        return load_config(sources);
    }
    void write(const std::string& text) {
        // By rename, so that the file is another one even within one tick of the clock.
        write_file(folder / "next", text);
        std::filesystem::rename(folder / "next", file);
    }

    TemporaryFolder folder;
    std::filesystem::path file = folder / "mercure.json";
    ConfigSources sources{.file = file, .data = "/data", .environment = {}, .set = {}};
    ConfigHandle handle;
};

}  // namespace

TEST_CASE("A reload takes over what is right and says what changed", "[config]") {
    Handled config(R"({"port": 1, "retention": 5, "rules": {"a": {"action": "discard"}, "b": {"action": "discard"}},
                       "targets": {"t": {"target_type": "folder", "folder": "/x"}}})");
    const auto before = config.handle.snapshot();
    config.write(R"({"port": 2, "rules": {"b": {"action": "discard"}, "a": {"action": "discard", "disabled": true}},
                     "targets": {"u": {"target_type": "dummy"}}, "own": 1})");
    const auto reload = config.handle.reload();
    CHECK(reload.ok);
    CHECK(reload.changed == Lines{"port", "retention", "targets.t", "targets.u", "rules.a.disabled", "own"});
    CHECK(reload.needs_restart == Lines{"port"});
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(259200));
    CHECK(before->cleaner.retention == Seconds(5));
    CHECK(config.handle.last_reload().ok);
}

TEST_CASE("What needs a restart stays as it was started, and is told until the restart", "[config]") {
    Handled config(R"({"port": 1, "http": {"port": 1001}})");
    config.write(R"({"port": 2, "http": {"port": 1002}, "incoming_folder": "/other", "dicom": {"max_pdu": 8192,
        "max_associations": 2, "address": "::", "ae_title": "NEW", "tls": {"certificate": "/c", "key": "/k"}}})");
    const auto first = config.handle.reload();
    CHECK(first.ok);
    CHECK(first.needs_restart.size() == 8);
    const auto snapshot = config.handle.snapshot();
    CHECK(snapshot->dicom.port == 1);
    CHECK(snapshot->http.port == 1001);
    CHECK(snapshot->folders.incoming == "/data/incoming");
    CHECK(snapshot->dicom.max_pdu == 131072);
    CHECK(snapshot->dicom.max_associations == 64);
    CHECK(snapshot->dicom.address == "0.0.0.0");
    CHECK_FALSE(snapshot->dicom.tls);
    CHECK(snapshot->dicom.ae_title == "NEW");
    CHECK(snapshot->document["port"] == 2);

    config.write(R"({"port": 2, "http": {"port": 1001}})");
    const auto second = config.handle.reload();
    CHECK(second.changed.size() == 8);
    CHECK(second.needs_restart == Lines{"port"});
}

TEST_CASE("The order of rules is a change", "[config]") {
    Handled config(R"({"rules": {"a": {"action": "discard"}, "b": {"action": "discard"}}})");
    config.write(R"({"rules": {"b": {"action": "discard"}, "a": {"action": "discard"}}})");
    CHECK(config.handle.reload().changed == Lines{"rules"});
    CHECK(config.handle.snapshot()->rules[0].name == "b");
}

TEST_CASE("A file that only looks different changes nothing", "[config]") {
    Handled config(R"({"port": 11112})");
    config.write("{ // the default\n}");
    const auto reload = config.handle.reload();
    CHECK(reload.ok);
    CHECK(reload.changed.empty());
}

TEST_CASE("A reload with any error leaves the running configuration alone", "[config]") {
    Handled config(R"({"retention": 5})");
    const auto before = config.handle.snapshot();
    for (const char* text : {"{", R"({"retention": 6, "port": "x"})", ""}) {
        config.write(text);
        const auto reload = config.handle.reload();
        CHECK_FALSE(reload.ok);
        CHECK(has_errors(reload.problems));
        CHECK(reload.changed.empty());
        CHECK(config.handle.snapshot() == before);
        CHECK_FALSE(config.handle.last_reload().ok);
    }
    std::filesystem::remove(config.file);
    CHECK_FALSE(config.handle.reload().ok);
    CHECK(config.handle.snapshot() == before);

    config.write(R"({"retention": 6})");
    CHECK(config.handle.reload().ok);
    CHECK(config.handle.last_reload().ok);
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(6));
}

TEST_CASE("What the layers above refuse is not taken over", "[config]") {
    const auto refuse_long_retention = [](const Config& config) -> std::vector<ConfigProblem> {
        if (config.cleaner.retention < Seconds(10)) return {{ProblemSeverity::warning, "retention", "is short"}};
        return {{ProblemSeverity::error, "retention", "is too long"}};
    };
    Handled config(R"({"retention": 5})", refuse_long_retention);
    config.write(R"({"retention": 6})");
    const auto good = config.handle.reload();
    CHECK(good.ok);
    CHECK(good.problems == std::vector<ConfigProblem>{{ProblemSeverity::warning, "retention", "is short"}});
    config.write(R"({"retention": 60})");
    const auto bad = config.handle.reload();
    CHECK_FALSE(bad.ok);
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(6));
}

TEST_CASE("A changed file is noticed once, whether it is right or wrong", "[config]") {
    Handled config("{}");
    CHECK_FALSE(config.handle.changed_on_disk());
    for (const char* text : {R"({"port": 1})", "{", "{}"}) {
        config.write(text);
        CHECK(config.handle.changed_on_disk());
        config.handle.reload();
        CHECK_FALSE(config.handle.changed_on_disk());
    }
    std::filesystem::remove(config.file);
    CHECK(config.handle.changed_on_disk());
    config.handle.reload();
    CHECK_FALSE(config.handle.changed_on_disk());
}

TEST_CASE("Saving writes and takes over what is right, and nothing else", "[config]") {
    Handled config(R"({"retention": 5})");
    const auto bad = config.handle.save(R"({"retention": "x"})");
    CHECK_FALSE(bad.ok);
    CHECK(read_file(config.file) == R"({"retention": 5})");
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(5));
    CHECK(config.handle.last_reload().ok);

    const auto good = config.handle.save(R"({"retention": 7})");
    CHECK(good.ok);
    CHECK(good.changed == Lines{"retention"});
    CHECK(read_file(config.file) == R"({"retention": 7})");
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(7));
    CHECK_FALSE(config.handle.changed_on_disk());
}

TEST_CASE("Saving does not overwrite what somebody else has written meanwhile", "[config]") {
    Handled config(R"({"retention": 5})");
    config.write(R"({"retention": 6})");
    const auto refused = config.handle.save(R"({"retention": 7})");
    CHECK_FALSE(refused.ok);
    CHECK(refused.problems.back().message == "somebody else has changed the file; reload it first");
    CHECK(read_file(config.file) == R"({"retention": 6})");
    config.handle.reload();
    CHECK(config.handle.save(R"({"retention": 7})").ok);
}

TEST_CASE("Saving repairs a file that does not load", "[config]") {
    Handled config(R"({"retention": 5})");
    config.write("{");
    CHECK_FALSE(config.handle.reload().ok);
    CHECK(config.handle.save(R"({"retention": 7})").ok);
    CHECK(read_file(config.file) == R"({"retention": 7})");
    CHECK(config.handle.last_reload().ok);
}

TEST_CASE("Snapshots may be taken from any thread while it reloads", "[config]") {
    Handled config(R"({"retention": 0})");
    std::atomic<bool> stop{false};
    std::atomic<bool> went_back{false};
    const auto read = [&] {
        double last = 0;
        while (!stop) {
            const double now = config.handle.snapshot()->cleaner.retention.count();
            if (now < last) went_back = true;
            last = now;
            config.handle.changed_on_disk();
        }
    };
    std::thread one(read), two(read);
    for (int i = 1; i <= 50; ++i) {
        config.write(R"({"retention": )" + std::to_string(i) + "}");
        config.handle.reload();
    }
    stop = true;
    one.join();
    two.join();
    CHECK_FALSE(went_back);
    CHECK(config.handle.snapshot()->cleaner.retention == Seconds(50));
}
