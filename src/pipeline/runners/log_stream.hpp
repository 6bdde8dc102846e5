#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace quicksilver {

/// Takes the engine's log stream apart: frames of 8 bytes header (stream, 0, 0, 0, length in big endian) and payload,
/// in pieces that begin and end anywhere. Gives whole lines, of standard output and error each on its own, so that
/// the two never mix within a line. One thread.
class LogStream {
public:
    using Sink = std::function<void(std::string_view lines)>;

    explicit LogStream(Sink sink) : sink_(std::move(sink)) {}

    /// False when the stream is no such stream.
    bool feed(std::string_view bytes);
    /// Gives what is left without a line end.
    void finish();

    static constexpr std::size_t line_max = 64UL << 10;  ///< a longer one is given in parts

private:
    void take(std::size_t stream, std::string_view payload);

    Sink sink_;
    std::string header_;            // of the frame that has begun
    std::size_t payload_left_ = 0;  // of the frame that has begun
    std::size_t stream_ = 1;
    std::array<std::string, 3> lines_;  // by stream: what has no line end yet
};

}  // namespace quicksilver
