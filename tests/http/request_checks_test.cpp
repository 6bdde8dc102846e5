#include "http/http_client.hpp"
#include "http/running_server.hpp"
#include "support/catch.hpp"

using namespace quicksilver;
using namespace quicksilver::test;

TEST_CASE("A request that cannot be read is refused and the connection closed", "[http]") {
    RunningServer server(plain_routes());
    struct Case {
        const char* what;
        std::string bytes;
        unsigned status;
    };
    const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
    const std::vector<Case> cases = {
        {"no HTTP at all", "\x16\x03\x01\x02\x01\r\n\r\n", 400},
        {"no target", "GET HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"no version", "GET /hello\r\n\r\n", 400},
        {"a version of its own", "GET /hello HTTP/3.7\r\nHost: localhost\r\n\r\n", 505},
        {"a blank before the colon", "GET /hello HTTP/1.1\r\nHost : localhost\r\n\r\n", 400},
        {"a line end without CR", "GET /hello HTTP/1.1\r\nHost: localhost\n\n", 400},
        {"a control character in a header", "GET /hello HTTP/1.1\r\nHost: local\x01host\r\n\r\n", 400},
        {"a target that is no path", "GET hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a broken escape", "GET /hel%2 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"an escaped NUL", "GET /hello%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"no Host", "GET /hello HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", "GET /hello HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400},
        {"length and chunks", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"chunks and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
        {"two lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400},
        {"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400},
        {"a list of lengths", post + "Content-Length: 5, 5\r\n\r\nabcde", 400},
        {"a signed length", post + "Content-Length: +5\r\n\r\nabcde", 400},
        {"a length that is no number", post + "Content-Length: 0x5\r\n\r\nabcde", 400},
        {"a length beyond all numbers", post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
        {"another coding before chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        {"an unknown coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
        {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400},
        {"chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"a chunk size that is no number", post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", 400},
    };
    for (const Case& one : cases) {
        INFO(one.what);
        HttpClient client(server.port());
        const HttpAnswer answer = client.exchange(one.bytes);
        CHECK(answer.status == one.status);
        CHECK(answer.header("Content-Type") == "application/problem+json");
        CHECK(answer.header("Connection") == "close");
        client.finish_sending();
        CHECK(client.is_closed_by_server());
    }
}

TEST_CASE("What follows a refused request is not read as another one", "[http]") {
    RunningServer server(plain_routes());
    HttpClient client(server.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(client.read_answer().status == 400);
    client.finish_sending();
    CHECK_THROWS(client.read_answer());
}

TEST_CASE("A client that leaves in the middle harms nobody", "[http]") {
    RunningServer server(plain_routes());
    {
        HttpClient leaves(server.port());
        leaves.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
    }
    CHECK(HttpClient(server.port()).get("/hello").status == 200);
}
