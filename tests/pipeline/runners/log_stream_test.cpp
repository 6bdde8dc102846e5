#include "pipeline/runners/log_stream.hpp"

#include "support/catch.hpp"

using namespace quicksilver;

namespace {

std::string frame(char stream, std::string_view payload) {
    std::string bytes{stream, '\0', '\0', '\0'};
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>((payload.size() >> shift) & 0xffU);
    return bytes + std::string(payload);
}

/// What comes out when the bytes come in pieces of this size.
std::string lines_of(const std::string& bytes, std::size_t piece) {
    std::string lines;
    LogStream stream([&lines](std::string_view text) { lines += text; });
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        CHECK(stream.feed(std::string_view(bytes).substr(at, piece)));
    }
    stream.finish();
    return lines;
}

}  // namespace

TEST_CASE("A log stream gives the same lines, wherever its pieces begin and end", "[pipeline][runners]") {
    const std::string bytes = frame(1, "one\ntw") + frame(2, "error\n") + frame(1, "o\n") + frame(1, "no end");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        CAPTURE(piece);
        CHECK(lines_of(bytes, piece) == "one\nerror\ntwo\nno end\n");
    }
}

TEST_CASE("A line without end is given in parts", "[pipeline][runners]") {
    const std::string lines = lines_of(frame(1, std::string(LogStream::line_max + 5, 'x')), 1000);
    CHECK(lines.size() >= LogStream::line_max + 5);
    CHECK(lines.back() == '\n');
}

TEST_CASE("What is no log stream is told from one", "[pipeline][runners]") {
    LogStream stream([](std::string_view) {});
    CHECK_FALSE(stream.feed("HTTP/1.1 200 OK"));
}
