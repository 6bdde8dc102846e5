#include "quicksilver/http/assets.hpp"

#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <zlib.h>

#include <filesystem>
#include <regex>

using namespace quicksilver;
using namespace quicksilver::test;

namespace {

Routes page_routes() {
    Routes routes;
    add_asset_routes(routes);
    routes.add("GET", "/api/v1/pipeline", answer_with("pipeline"));
    return routes;
}

std::string unpacked(const std::string& packed) {
    std::string plain(1024 * 1024, '\0');
    z_stream stream{};
    inflateInit2(&stream, 15 + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(plain.data());
    stream.avail_out = static_cast<uInt>(plain.size());
    const int ended = inflate(&stream, Z_FINISH);
    plain.resize(stream.total_out);
    inflateEnd(&stream);
    return ended == Z_STREAM_END ? plain : "cannot be unpacked";
}

/// A server whose interface lies in a folder.
class DevelopedPage {
public:
    DevelopedPage() {
        std::filesystem::create_directories(folder / "web" / "assets");
        write_file(folder / "web" / "index.html", "<head></head>index");
        write_file(folder / "web" / "app.js", "first");
        write_file(folder / "web" / "assets" / "app-BkQ3d9aF.js", "hashed");
        write_file(folder / "web" / ".hidden.txt", "the treasure");
        write_file(folder / "secret.txt", "the treasure");
        std::filesystem::create_symlink(folder / "secret.txt", folder / "web" / "link.txt");
        std::filesystem::create_directory_symlink(folder.path(), folder / "web" / "up");
        Routes routes;
        add_asset_routes(routes, folder / "web", files_);
        server_ = std::make_unique<RunningServer>(std::move(routes));
    }
    ~DevelopedPage() {
        server_.reset();
        files_.join();
    }

    HttpAnswer get(const std::string& target) { return HttpClient(server_->port()).get(target); }

    TemporaryFolder folder;

private:
    boost::asio::thread_pool files_{1};
    std::unique_ptr<RunningServer> server_;
};

}  // namespace

TEST_CASE("The page and everything it refers to is served", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer page = client.get("/ui/");
    CHECK(page.status == 200);
    CHECK(page.header("Content-Type") == "text/html; charset=utf-8");
    CHECK(page.body.find("</html>") != std::string::npos);

    const std::regex reference("(?:src|href)=\"([^\"]+)\"");
    const std::vector<std::string> other_routes = {"../api/v1/pipeline", "../metrics", "../readyz", "/ui/"};
    int assets = 0;
    for (std::sregex_iterator found(page.body.begin(), page.body.end(), reference), end; found != end; ++found) {
        const std::string path = (*found)[1];
        INFO(path);
        if (std::find(other_routes.begin(), other_routes.end(), path) != other_routes.end()) continue;
        CHECK(path.front() != '/');  // relative, so that a prefix works
        CHECK(client.get("/ui/" + path).status == 200);
        ++assets;
    }
    CHECK(assets == 4);
}

TEST_CASE("The address without a path leads to the page", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    for (const char* path : {"/", "/ui"}) {
        const HttpAnswer answer = client.get(path);
        CHECK(answer.status == 302);
        CHECK(answer.header("Location") == "/ui/");
    }
}

TEST_CASE("A path of the interface is the page, a missing file and the API are not", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const std::string page = client.get("/ui/").body;
    for (const char* path : {"/ui/series", "/ui/series/1/trace", "/ui/rules/", "/ui/rules/a%20b", "/ui/index.html"}) {
        INFO(path);
        const HttpAnswer answer = client.get(path);
        CHECK(answer.status == 200);
        CHECK(answer.body == page);
        CHECK(answer.header("Cache-Control") == "no-cache");
    }
    for (const char* path : {"/ui/missing.js", "/ui/assets/gone-BkQ3d9aF.js", "/ui/../api/v1/pipeline.x", "/ui/..",
                             "/ui/%2e%2e/%2e%2e/etc/passwd.txt", "/api/v1/nothing", "/api/nothing", "/api", "/other"}) {
        INFO(path);
        CHECK(client.get(path).status == 404);
    }
    CHECK(client.get("/api/v1/pipeline").body == "pipeline");
}

TEST_CASE("The page finds its place below every prefix", "[http][assets]") {
    HttpConfig config;
    config.prefix = "/quicksilver";
    RunningServer server(page_routes(), {}, config);
    HttpClient client(server.port());
    CHECK(client.get("/quicksilver/").header("Location") == "/quicksilver/ui/");
    const HttpAnswer page = client.get("/quicksilver/ui/series/1");
    CHECK(page.body.find("<base href=\"/quicksilver/ui/\" />") != std::string::npos);
    CHECK(page.header("ETag") != HttpClient(RunningServer(page_routes()).port()).get("/ui/").header("ETag"));
}

TEST_CASE("The page keeps to its content security policy", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer page = client.get("/ui/");
    CHECK_FALSE(std::regex_search(page.body, std::regex("<script>|<style|\\son[a-z]+=|\\sstyle=|javascript:")));
    CHECK(client.get("/ui/status.js").body.find("innerHTML") == std::string::npos);
    CHECK(page.header("Content-Security-Policy") ==
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
          "connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'self'; "
          "frame-ancestors 'none'; require-trusted-types-for 'script'; "
          "trusted-types svelte-trusted-html quicksilver-worker");
    CHECK(page.header("X-Content-Type-Options") == "nosniff");
    CHECK(page.header("Referrer-Policy") == "no-referrer");
    CHECK(page.header("Cross-Origin-Opener-Policy") == "same-origin");
    CHECK(page.header("Cross-Origin-Resource-Policy") == "same-origin");
    CHECK(page.header("Permissions-Policy") == "camera=(), microphone=(), geolocation=(), usb=()");
}

TEST_CASE("A page that the browser has already is not sent again", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer first = client.get("/ui/");
    const std::string etag = first.header("ETag");
    CHECK(etag.size() == 34);
    CHECK(first.header("Cache-Control") == "no-cache");
    const HttpAnswer second = client.get("/ui/", "If-None-Match: " + etag + "\r\n");
    CHECK(second.status == 304);
    CHECK(second.body.empty());
    CHECK(second.header("ETag") == etag);
    CHECK(client.get("/ui/", "If-None-Match: \"other\"\r\n").status == 200);
    CHECK(client.get("/ui/status.css").header("ETag") != etag);
}

TEST_CASE("Files are packed for those who take it", "[http][assets]") {
    RunningServer server(page_routes());
    HttpClient client(server.port());
    const HttpAnswer plain = client.get("/ui/status.css");
    const HttpAnswer packed = client.get("/ui/status.css", "Accept-Encoding: br, gzip\r\n");
    CHECK(plain.header("Content-Encoding").empty());
    CHECK(packed.header("Content-Encoding") == "gzip");
    CHECK(packed.header("Vary") == "Accept-Encoding");
    CHECK(packed.body.size() < plain.body.size() / 2);
    CHECK(unpacked(packed.body) == plain.body);
    CHECK(packed.header("ETag") == plain.header("ETag"));
}

TEST_CASE("A name with a hash in it is for ever, as far as caches are concerned", "[http][assets]") {
    CHECK(has_hashed_name("assets/index-BkQ3d9aF.js"));
    CHECK(has_hashed_name("assets/icons/a-b-_-x9Zq1a.woff2"));
    for (const char* other : {"index-BkQ3d9aF.js", "assets/index.js", "assets/index-Bk.js", "assets/BkQ3d9aF.js",
                              "assets/index-BkQ3d9aF", "index.html", "", "assets/", "assets/a-BkQ3d9 F.js"}) {
        INFO(other);
        CHECK_FALSE(has_hashed_name(other));
    }
}

TEST_CASE("For those who develop it the page comes from a folder, as it is at the moment", "[http][assets]") {
    DevelopedPage page;
    CHECK(page.get("/ui/").body == "<head><base href=\"/ui/\" /></head>index");
    CHECK(page.get("/ui/series/1").body == page.get("/ui/").body);
    const HttpAnswer first = page.get("/ui/app.js");
    CHECK(first.body == "first");
    CHECK(first.header("Content-Type") == "text/javascript; charset=utf-8");
    write_file(page.folder / "web" / "app.js", "second");
    const HttpAnswer second = page.get("/ui/app.js");
    CHECK(second.body == "second");
    CHECK(second.header("ETag") != first.header("ETag"));
    CHECK(page.get("/ui/assets/app-BkQ3d9aF.js").header("Cache-Control") == "no-cache");
    CHECK(page.get("/ui/missing.js").status == 404);
    std::filesystem::remove(page.folder / "web" / "index.html");
    CHECK(page.get("/ui/series/1").status == 404);
}

TEST_CASE("No path and no link leads out of the folder", "[http][assets]") {
    DevelopedPage page;
    for (const char* path :
         {"/ui/../secret.txt", "/ui/..%2Fsecret.txt", "/ui/%2e%2e%2fsecret.txt", "/ui/assets/../../secret.txt",
          "/ui/assets%2F..%2F..%2Fsecret.txt", "/ui//etc/hosts.txt", "/ui/%2Fetc%2Fhosts.x", "/ui/link.txt",
          "/ui/up/secret.txt", "/ui/.hidden.txt", "/ui/..%5Csecret.txt", "/ui/./secret.txt", "/ui/assets/.txt"}) {
        INFO(path);
        const HttpAnswer answer = page.get(path);
        CHECK(answer.status == 404);
        CHECK(answer.body.find("treasure") == std::string::npos);
    }
    CHECK(page.get("/ui/%00").status == 400);
}

TEST_CASE("If-None-Match is read as RFC 9110 says", "[http][assets]") {
    CHECK(matches_etag("\"a\"", "\"a\""));
    CHECK(matches_etag("\"b\", W/\"a\" ,\"c\"", "\"a\""));
    CHECK(matches_etag("*", "\"a\""));
    CHECK_FALSE(matches_etag("", "\"a\""));
    CHECK_FALSE(matches_etag("\"b\",", "\"a\""));
    CHECK_FALSE(matches_etag("a", "\"a\""));
}
