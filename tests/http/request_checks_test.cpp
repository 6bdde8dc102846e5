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
        {"a folded header line", "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n", 400},
        {"a folded coding", post + "Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n", 400},
        {"a folded begin", "GET /hello HTTP/1.1\r\n Content-Length: 5\r\nHost: localhost\r\n\r\n", 400},
        {"a blank before the coding's colon", post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {"a vertical tab in the coding",
         post + "Transfer-Encoding: \x0b"
                "chunked\r\n\r\n0\r\n\r\n",
         400},
        {"a length of nothing", post + "Content-Length: \r\n\r\n", 400},
        {"a negative length", post + "Content-Length: -1\r\n\r\n", 400},
        {"two lengths in two cases", post + "Content-Length: 5\r\ncontent-length: 5\r\n\r\nabcde", 400},
        {"a line end without CR within", "GET /hello HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", 400},
        {"a CR without LF", "GET /hello HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n", 400},
        {"a line without colon", "GET /hello HTTP/1.1\r\nHost: localhost\r\nnothing\r\n\r\n", 400},
        {"a name of nothing", "GET /hello HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n", 400},
        {"an authority as target", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"an absolute target of nobody", "GET http:///hello HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"an absolute target of another scheme", "GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400},
        {"a blank in the target", "GET /hello world HTTP/1.1\r\nHost: localhost\r\n\r\n", 505},
        {"HTTP/2 at once", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"a huge chunk", post + "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc", 413},
        {"a chunk beyond all numbers", post + "Transfer-Encoding: chunked\r\n\r\n1FFFFFFFFFFFFFFFFF\r\nabc", 400},
        {"a negative chunk", post + "Transfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n", 400},
        {"a prefixed chunk", post + "Transfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n", 400},
        {"a chunk longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n0\r\n\r\n", 400},
        {"a bare line end in an extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nabcde\r\n0\r\n\r\n",
         400},
        {"an extension without an end", post + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(40'000, 'x'), 431},
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

TEST_CASE("What is unusual and right is read", "[http]") {
    RunningServer server(plain_routes());
    const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
    const std::vector<std::string> requests = {
        post + "Transfer-Encoding: chunked\r\n\r\n5;name=\"value\"\r\nabcde\r\n0;x\r\n\r\n",
        post + "Transfer-Encoding: CHUNKED\r\n\r\n0005\r\nabcde\r\n0\r\nTrailer: 1\r\n\r\n",
        post + "Content-Length:   5  \r\n\r\nabcde",
        post + "Content-Length: 0000005\r\n\r\nabcde",
        "POST http://localhost/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde",
    };
    HttpClient client(server.port());
    for (const std::string& bytes : requests) {
        INFO(bytes);
        CHECK(client.exchange(bytes).body == "abcde");
    }
    // Nothing of them was left for the next one.
    CHECK(client.get("/hello").body == "hello");
}

TEST_CASE("A body that looks like a request is a body", "[http]") {
    RunningServer server(plain_routes());
    const std::string inside = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    HttpClient client(server.port());
    const std::string length = std::to_string(inside.size());
    // A GET with a body too: who takes it for the next request is who gets smuggled to.
    client.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\n" + inside);
    client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\n" + inside);
    CHECK(client.read_answer().body == "hello");
    CHECK(client.read_answer().body == inside);
}

TEST_CASE("Chunks with bare line ends are never whole", "[http]") {
    HttpLimits limits;
    limits.request = std::chrono::milliseconds(200);
    RunningServer server(plain_routes(), limits);
    HttpClient client(server.port());
    CHECK(client
              .exchange("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "5\nabcde\n0\n\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
              .status >= 400);
}

TEST_CASE("Very many headers are a large header and nothing else", "[http]") {
    RunningServer server(plain_routes());
    std::string few;
    for (int i = 0; i < 2000; ++i) few += "a:\r\n";
    CHECK(HttpClient(server.port()).get("/hello", few).status == 200);
    CHECK(HttpClient(server.port()).get("/hello", few + few + few).status == 431);
    // Line by line too, as each comes in a read of its own.
    HttpClient drop_by_drop(server.port());
    drop_by_drop.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n");
    const std::string line = "a: " + std::string(1000, 'b') + "\r\n";
    for (int i = 0; i < 17; ++i) drop_by_drop.send(line);
    CHECK(drop_by_drop.read_answer().status == 431);
    HttpClient folded(server.port());
    for (const char* part : {"GET /hello HTTP/1.1\r\n", "Host: localhost\r\n", "X: a\r\n", " b\r\n\r\n"})
        folded.send(part);
    CHECK(folded.read_answer().status == 400);
}
