#include "http/api/credentials.hpp"

#include "http/api/problem_error.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;

namespace {

HttpRequest with(std::vector<std::pair<std::string, std::string>> headers, bool secure = false) {
    HttpRequest request;
    request.headers = std::move(headers);
    request.secure = secure;
    return request;
}

}  // namespace

TEST_CASE("The session is read from the cookie of its exact name", "[http][api][credentials]") {
    CHECK(read_credentials(with({{"Cookie", "a=1; quicksilver=abc; b=2"}})).session == "abc");
    CHECK(read_credentials(with({{"cookie", "xquicksilver=abc;quicksilver=def"}})).session == "def");
    CHECK(read_credentials(with({{"Cookie", "quicksilver"}})).session.empty());
    CHECK(read_credentials(with({{"Cookie", "quicksilver=; "}})).session.empty());
    // Through TLS only the name that a neighbouring host cannot set.
    CHECK(read_credentials(with({{"Cookie", "quicksilver=abc"}}, true)).session.empty());
    CHECK(read_credentials(with({{"Cookie", "__Host-quicksilver=abc"}}, true)).session == "abc");
    CHECK(session_cookie("abc", with({}, true)) == "__Host-quicksilver=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
    CHECK(session_cookie("abc", with({})) == "quicksilver=abc; Path=/; HttpOnly; SameSite=Strict");
}

TEST_CASE("Servers behind one proxy have a cookie each", "[http][api][credentials]") {
    HttpRequest request = with({{"Cookie", "__Host-quicksilver=root; __Host-quicksilver.a.b=abc"}}, true);
    request.prefix = "/a/b";
    CHECK(read_credentials(request).session == "abc");
    // The browser takes a cookie of such a name with the path / alone.
    CHECK(session_cookie("abc", request) == "__Host-quicksilver.a.b=abc; Path=/; HttpOnly; SameSite=Strict; Secure");
    request.secure = false;
    CHECK(session_cookie("abc", request) == "quicksilver=abc; Path=/a/b; HttpOnly; SameSite=Strict");
    CHECK(ended_session_cookie(request) == "quicksilver=; Path=/a/b; HttpOnly; SameSite=Strict; Max-Age=0");
}

TEST_CASE("A token comes as Bearer and in no other way", "[http][api][credentials]") {
    CHECK(read_credentials(with({{"Authorization", "Bearer abc"}})).bearer == "abc");
    CHECK(read_credentials(with({{"authorization", "bearer  abc "}})).bearer == "abc");
    for (const char* other : {"Basic YTpi", "Bearer", "Bearer ", "abc", "Token abc"}) {
        INFO(other);
        CHECK_THROWS_AS(read_credentials(with({{"Authorization", other}})), ProblemError);
    }
    CHECK_THROWS_AS(read_credentials(with({{"Authorization", "Bearer abc"}, {"Cookie", "quicksilver=abc"}})),
                    ProblemError);
}

TEST_CASE("Where a request comes from is told by the browser", "[http][api][credentials]") {
    struct Case {
        std::vector<std::pair<std::string, std::string>> headers;
        Origin expected;
    };
    const Case cases[] = {
        {{{"Host", "h:8000"}}, Origin::unknown},
        {{{"Host", "h:8000"}, {"Origin", "http://h:8000"}}, Origin::same},
        {{{"Host", "h"}, {"Origin", "https://h"}}, Origin::same},
        {{{"Host", "h:8000"}, {"Origin", "http://h"}}, Origin::other},
        {{{"Host", "h"}, {"Origin", "http://h.evil.example"}}, Origin::other},
        {{{"Host", "h"}, {"Origin", "null"}}, Origin::other},
        {{{"Host", "h"}, {"Origin", "http://h"}, {"Sec-Fetch-Site", "cross-site"}}, Origin::other},
        {{{"Host", "h"}, {"Sec-Fetch-Site", "same-origin"}}, Origin::same},
        {{{"Host", "h"}, {"Sec-Fetch-Site", "none"}}, Origin::other},
    };
    for (const Case& one : cases) CHECK(origin_of(with(one.headers)) == one.expected);
}

TEST_CASE("Through TLS a page that came without it is a foreign one", "[http][api][credentials]") {
    CHECK(origin_of(with({{"Host", "h"}, {"Origin", "http://h"}}, true)) == Origin::other);
    CHECK(origin_of(with({{"Host", "h"}, {"Origin", "https://h"}}, true)) == Origin::same);
}

TEST_CASE("Behind a proxy the page comes from the name that the client used", "[http][api][credentials]") {
    HttpRequest request = with({{"Host", "127.0.0.1:8000"}, {"Origin", "https://pacs.example"}});
    CHECK(origin_of(request) == Origin::other);
    request.forwarded_host = "pacs.example";
    CHECK(origin_of(request) == Origin::same);
}
