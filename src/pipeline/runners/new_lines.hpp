#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace quicksilver {

/// Hands on the lines of a module's log, each once, although the engine gives some again when it is asked anew. It is
/// asked by time, and lines of one time may be many: Podman counts whole seconds.
class NewLines {
public:
    explicit NewLines(std::function<void(std::string_view)> output) : output_(std::move(output)) {}

    /// Whole lines, each with its time in front.
    void operator()(std::string_view lines);
    /// From now on the lines since a time come again. Returns which time, as it stands in front of the last line.
    const std::string& again();
    /// The log has been read to its end. When fewer lines of that time came again than were handed on, the engine has
    /// thrown some away, and nobody can tell which are new: the last ones are handed on after a line that says so, some
    /// perhaps twice.
    void finish();

private:
    void give(std::string_view lines);

    const std::function<void(std::string_view)> output_;
    std::string last_;         // time of the last line
    std::size_t at_last_ = 0;  // how many lines of this time were handed on
    bool asked_again_ = false;
    std::string from_;       // of the last `again`
    std::string skipped_;    // the last of those that came again
    std::size_t known_ = 0;  // how many lines of that time are still to come again
};

}  // namespace quicksilver
