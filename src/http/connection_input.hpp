// A part of connection.cpp: bodies that are read by their handlers.
#pragma once

#include "connection.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace quicksilver {

/// Reads the body of the present request for its handler. A piece has to come in the time of a whole request, so who
/// sends drop by drop ends.
template <class Stream>
class Connection::Input final : public BodyInput {
public:
    Input(Connection& connection, Stream& stream, Parser& parser)
        : connection_(connection), stream_(stream), parser_(parser) {}

    boost::asio::awaitable<std::optional<std::string>> next() override {
        if (parser_.is_done()) co_return std::nullopt;
        if (!begun_) {
            begun_ = true;
            const bool written = co_await connection_.continue_if_expected(stream_, parser_.get());
            if (!written) fail(std::nullopt);
        }
        connection_.set_deadline(connection_.shared_.limits.request);
        const boost::system::error_code failure = co_await connection_.read(stream_, parser_, Part::piece);
        connection_.deadline_ = Clock::time_point::max();
        if (failure) fail(connection_.refusal_after(failure, parser_));
        std::optional<std::string> piece = std::exchange(parser_.get().body(), std::string());
        if (piece->empty()) piece.reset();  // the last chunk has nothing in it
        co_return piece;
    }
    std::optional<std::uint64_t> announced_bytes() const override {
        const auto length = parser_.content_length();
        return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
    }

    bool broken() const { return broken_; }
    const std::optional<Refusal>& refusal() const { return refusal_; }

private:
    /// Without a refusal nobody waits for an answer.
    [[noreturn]] void fail(std::optional<Refusal> refusal) {
        broken_ = true;
        refusal_ = std::move(refusal);
        throw BrokenBody("the body of a request did not come");
    }

    Connection& connection_;
    Stream& stream_;
    Parser& parser_;
    bool begun_ = false;
    bool broken_ = false;
    std::optional<Refusal> refusal_;
};

}  // namespace quicksilver
