#include "quicksilver/http/assets.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

#include <regex>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

Routes page_routes() {
    Routes routes;
    add_asset_routes(routes);
    return routes;
}

}  // namespace

TEST_CASE("The page and everything it refers to is served", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer page = client.get("/");
    CHECK(page.status == 200);
    CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.body.find("</html>") != std::string::npos);

    const std::regex reference("(?:src|href)=\"([^\"]+)\"");
    const std::vector<std::string> other_routes = {"api/v1/pipeline", "metrics", "readyz"};
    int assets = 0;
    for (std::sregex_iterator found(page.body.begin(), page.body.end(), reference), end; found != end; ++found) {
        const std::string path = (*found)[1];
        INFO(path);
        CHECK(path.front() != '/');  // relative, so that a prefix works
        if (std::find(other_routes.begin(), other_routes.end(), path) != other_routes.end()) continue;
        CHECK(client.get("/" + path).status == 200);
        ++assets;
    }
    CHECK(assets == 4);
}

TEST_CASE("The page keeps to its content security policy", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const std::string page = client.get("/").body;
    CHECK_FALSE(std::regex_search(page, std::regex("<script>|<style|\\son[a-z]+=|\\sstyle=|javascript:")));
    CHECK(client.get("/status.js").body.find("innerHTML") == std::string::npos);
}

TEST_CASE("A page that the browser has already is not sent again", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer first = client.get("/");
    const std::string etag = first.header("ETag");
    CHECK(etag.size() == 34);
    CHECK(first.header("Cache-Control") == "no-cache");
    const HttpAnswer second = client.get("/", "If-None-Match: " + etag + "\r\n");
    CHECK(second.status == 304);
    CHECK(second.body.empty());
    CHECK(second.header("ETag") == etag);
    CHECK(client.get("/", "If-None-Match: \"other\"\r\n").status == 200);
    CHECK(client.get("/status.css").header("ETag") != etag);
}

TEST_CASE("If-None-Match is read as RFC 9110 says", "[http][assets]") {
    CHECK(matches_etag("\"a\"", "\"a\""));
    CHECK(matches_etag("\"b\", W/\"a\" ,\"c\"", "\"a\""));
    CHECK(matches_etag("*", "\"a\""));
    CHECK_FALSE(matches_etag("", "\"a\""));
    CHECK_FALSE(matches_etag("\"b\",", "\"a\""));
    CHECK_FALSE(matches_etag("a", "\"a\""));
}
