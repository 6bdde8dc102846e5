#include "pipeline/targets/http_steps.hpp"

#include "quicksilver/pipeline/targets/commitment_reports.hpp"
#include "quicksilver/pipeline/targets/target.hpp"

#include "pipeline/loopback_http.hpp"
#include "support/catch.hpp"
#include "support/failing_file_ops.hpp"
#include "support/temporary_folder.hpp"

using namespace quicksilver;
using Names = std::vector<std::string>;

namespace {

Names names_of(const TargetTest& test) {
    Names names;
    for (const TestStep& step : test.steps()) names.push_back(step.name);
    return names;
}

/// Tests a target of this type in full.
TargetTest test_target(const std::string& type, nlohmann::json settings) {
    static const StopFlag go_on{false};
    static test::FailingFileOps ops;
    CommitmentReports reports;
    TargetRegistry registry;
    register_builtin_targets(registry, ops, reports);
    TargetConfig config;
    config.name = "web";
    config.type = type;
    config.settings = std::move(settings);
    TargetTest test(TargetTest::Depth::full, go_on);
    auto made = registry.make(config, Config{});
    REQUIRE(made.ok());
    (*made)->test(test);
    return test;
}

test::LoopbackHttp::Handler always(int status, const char* body = "") {
    return [status, body](const test::LoopbackHttp::Request&, test::LoopbackHttp::Peer& peer) {
        peer.answer(status, body);
    };
}

}  // namespace

TEST_CASE("A URL is taken apart, and one that is none is not quoted", "[pipeline][targets][http]") {
    const auto plain = split_url("http://pacs.example/dicom-web/");
    REQUIRE(plain.ok());
    CHECK(plain->host == "pacs.example");
    CHECK(plain->port == 80);
    CHECK(plain->path == "/dicom-web");
    CHECK(plain->origin() == "http://pacs.example");
    const auto odd = split_url("https://[::1]:8443");
    REQUIRE(odd.ok());
    CHECK(odd->origin() == "https://[::1]:8443");
    CHECK(odd->path.empty());
    for (const char* bad : {"", "pacs.example", "ftp://x", "https://", "secret"}) {
        CAPTURE(bad);
        const auto refused = split_url(bad);
        REQUIRE_FALSE(refused.ok());
        if (std::string(bad) == "secret") CHECK(refused.error().message.find(bad) == std::string::npos);
    }
}

TEST_CASE("A status that is no success is classed by whether trying again may help", "[pipeline][targets][http]") {
    const std::pair<int, Errc> cases[] = {
        {401, Errc::refused}, {403, Errc::refused}, {404, Errc::refused}, {413, Errc::refused}, {429, Errc::busy},
        {500, Errc::busy},    {502, Errc::busy},    {503, Errc::busy},    {507, Errc::busy},    {301, Errc::refused}};
    for (const auto& [status, code] : cases) {
        CAPTURE(status);
        HttpResponse response;
        response.status = status;
        const Error error = status_error("storing", response);
        CHECK(error.code == code);
        CHECK(error.message.find(std::to_string(status)) != std::string::npos);
    }
}

TEST_CASE("A part of a file is read as the body of a request", "[pipeline][targets][http]") {
    test::TemporaryFolder root;
    test::write_file(root / "a", "0123456789");
    auto source = file_source(root / "a", 2, 5);
    REQUIRE(source.ok());
    CHECK(source->length == 5);
    std::string buffer(3, '\0');
    CHECK(source->read(buffer.data(), 3).value() == 3);
    CHECK(buffer == "234");
    CHECK(source->read(buffer.data(), 3).value() == 2);
    CHECK(source->read(buffer.data(), 3).value() == 0);
    CHECK_FALSE(file_source(root / "absent", 0, 1).ok());
}

TEST_CASE("Services are tested by name, connection, log in and rights", "[pipeline][targets][http]") {
    test::LoopbackHttp server([](const test::LoopbackHttp::Request& request, test::LoopbackHttp::Peer& peer) {
        peer.answer(200, request.target == "/data/JSESSION" ? "S1" : "[]");
    });
    const std::string url = server.url("");
    const TargetTest s3 = test_target("s3", {{"endpoint", url},
                                             {"path_style", true},
                                             {"bucket", "images"},
                                             {"region", "r"},
                                             {"access_key_id", "key"},
                                             {"secret_access_key", "secret"}});
    CHECK(names_of(s3) == Names({"dns", "tcp", "auth", "write"}));
    CHECK(s3.ok());
    const TargetTest xnat =
        test_target("xnat", {{"host", url}, {"project_id", "p"}, {"user", "u"}, {"password", "hush-hush"}});
    CHECK(names_of(xnat) == Names({"dns", "tcp", "auth", "project"}));
    CHECK(xnat.ok());
    const TargetTest dicomweb = test_target("dicomweb", {{"url", url}});
    CHECK(names_of(dicomweb) == Names({"dns", "tcp", "auth"}));
    CHECK(dicomweb.ok());
}

TEST_CASE("A service that does not let us in says what to do", "[pipeline][targets][http]") {
    test::LoopbackHttp s3(always(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>"));
    const TargetTest keys = test_target("s3", {{"endpoint", s3.url("")},
                                               {"path_style", true},
                                               {"bucket", "b"},
                                               {"region", "r"},
                                               {"access_key_id", "key"},
                                               {"secret_access_key", "word"}});
    CHECK_FALSE(keys.ok());
    CHECK(keys.steps().back().name == "auth");
    CHECK(keys.steps().back().hint == "check `secret_access_key`");
    test::LoopbackHttp closed(always(401));
    const TargetTest web = test_target("dicomweb", {{"url", closed.url("")}});
    CHECK_FALSE(web.ok());
    CHECK(web.steps().back().hint == "check user and password, or the token");
    const TargetTest xnat =
        test_target("xnat", {{"host", closed.url("")}, {"project_id", "p"}, {"user", "u"}, {"password", "hush-hush"}});
    CHECK_FALSE(xnat.ok());
    CHECK(xnat.summary().find("hush-hush") == std::string::npos);
}

TEST_CASE("A page for people is no session of XNAT", "[pipeline][targets][http]") {
    test::LoopbackHttp page(always(200, "<html>Welcome</html>"));
    const TargetTest xnat =
        test_target("xnat", {{"host", page.url("")}, {"project_id", "p"}, {"user", "u"}, {"password", "hush-hush"}});
    CHECK_FALSE(xnat.ok());
    CHECK(xnat.summary().find("no session of XNAT") != std::string::npos);
}
