#include "quicksilver/http/routes.hpp"

#include "support/catch.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <stdexcept>

namespace asio = boost::asio;
using namespace quicksilver;

namespace {

HttpHandler named(const std::string& name) {
    return [name](const HttpRequest&) -> asio::awaitable<HttpResponse> {
        HttpResponse response;
        response.body = name;
        co_return response;
    };
}

Routes table() {
    Routes routes;
    for (const char* pattern : {"/", "/series", "/series/{id}", "/series/{id}/tags", "/series/actions", "/ui/{path...}",
                                "/ui/help/{page}", "/{page}/about"}) {
        routes.add("GET", pattern, named(pattern));
    }
    routes.add("POST", "/series/actions", named("POST /series/actions"));
    return routes;
}

std::string body_of(const HttpHandler& handler) {
    asio::io_context context;
    const HttpRequest request;
    auto answer = asio::co_spawn(context, handler(request), asio::use_future);
    context.run();
    return answer.get().body;
}

}  // namespace

TEST_CASE("A path leads to the route that fits it best", "[http][routes]") {
    const Routes routes = table();
    struct Case {
        const char* path;
        const char* route;  ///< empty: none
        std::map<std::string, std::string> parameters;
    };
    const std::vector<Case> cases = {
        {"/", "/", {}},
        {"/series", "/series", {}},
        {"/series/", "", {}},
        {"/series/7", "/series/{id}", {{"id", "7"}}},
        {"/series/a%2Fb%20c", "/series/{id}", {{"id", "a/b c"}}},
        {"/series/actions", "/series/actions", {}},
        {"/series/%61ctions", "/series/actions", {}},
        {"/series/actions/tags", "/series/{id}/tags", {{"id", "actions"}}},
        {"/series/7/nothing", "", {}},
        {"/series//tags", "", {}},
        {"/series/about", "/series/{id}", {{"id", "about"}}},
        {"/other/about", "/{page}/about", {{"page", "other"}}},
        {"/ui/help/start", "/ui/help/{page}", {{"page", "start"}}},
        {"/ui/help/start/again", "/ui/{path...}", {{"path", "help/start/again"}}},
        {"/ui/", "", {}},
        {"/series/7%0", "", {}},
        {"", "", {}},
        {"series", "", {}},
    };
    for (const Case& one : cases) {
        INFO(one.path);
        const RouteMatch match = routes.find("GET", one.path);
        CHECK((match.handler != nullptr) == (*one.route != '\0'));
        if (!match.handler) continue;
        CHECK(body_of(*match.handler) == one.route);
        CHECK(match.parameters == one.parameters);
    }
}

TEST_CASE("A path without the method tells which it has", "[http][routes]") {
    const Routes routes = table();
    const RouteMatch match = routes.find("DELETE", "/series/actions");
    CHECK(match.handler == nullptr);
    CHECK(match.allowed == std::vector<std::string>{"GET", "HEAD", "OPTIONS", "POST"});
    CHECK(routes.find("GET", "/nowhere").allowed.empty());
    CHECK(routes.find("HEAD", "/series").handler != nullptr);
}

TEST_CASE("A pattern that is wrong or exists is refused when it is added", "[http][routes]") {
    Routes routes = table();
    for (const char* pattern : {"series", "", "/a//b", "/a{b}", "/{rest...}/b", "/series", "/series/{other}"}) {
        INFO(pattern);
        CHECK_THROWS_AS(routes.add("GET", pattern, named("x")), std::invalid_argument);
    }
    CHECK(routes.list().size() == 9);
    CHECK(routes.list().back() == "POST /series/actions");
}

TEST_CASE("A route may take bodies piece by piece, up to a limit of its own", "[http][routes]") {
    Routes routes = table();
    routes.add_piecewise("POST", "/series", 1000, named("upload"));
    CHECK(routes.find("POST", "/series").piecewise_max == 1000);
    CHECK_FALSE(routes.find("GET", "/series").piecewise_max);
    CHECK_FALSE(routes.find("PUT", "/series").piecewise_max);
    CHECK_THROWS_AS(routes.add("POST", "/series", named("other")), std::invalid_argument);
}
