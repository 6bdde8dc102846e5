#include "http/api/compress.hpp"

#include "http/unpack.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::api;
using quicksilver::test::unpack;

namespace {

HttpResponse answer(std::size_t bytes, const char* type = "application/json") {
    HttpResponse response;
    response.content_type = type;
    response.body = std::string(bytes, 'x');
    return response;
}

bool is_packed(HttpResponse response, const char* accepted) {
    HttpRequest request;
    request.headers.emplace_back("Accept-Encoding", accepted);
    compress(request, response);
    for (const auto& [name, value] : response.headers) {
        if (name == "Content-Encoding") return value == "gzip";
    }
    return false;
}

}  // namespace

TEST_CASE("Large JSON is packed for those who take gzip", "[http][api][compress]") {
    CHECK(is_packed(answer(5000), "gzip"));
    CHECK(is_packed(answer(5000), "br;q=1.0, gzip;q=0.8, *;q=0.1"));
    CHECK(is_packed(answer(5000, "application/problem+json"), "GZIP"));
    CHECK_FALSE(is_packed(answer(5000), ""));
    CHECK_FALSE(is_packed(answer(5000), "br"));
    CHECK_FALSE(is_packed(answer(5000), "gzip;q=0"));
    CHECK_FALSE(is_packed(answer(5000), "gzip;q=0.0, br"));
    CHECK_FALSE(is_packed(answer(500), "gzip"));
    CHECK_FALSE(is_packed(answer(5000, "image/png"), "gzip"));
}

TEST_CASE("What was packed unpacks to the same", "[http][api][compress]") {
    HttpRequest request;
    request.headers.emplace_back("Accept-Encoding", "gzip");
    HttpResponse response = answer(50'000);
    response.body[7] = 'y';
    const std::string before = response.body;
    compress(request, response);
    CHECK(response.body.size() < 1000);
    CHECK(unpack(response.body) == before);
}
