#include "secret_input.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace quicksilver {

namespace {

/// A terminal that does not show what is typed, as long as it lives.
class HiddenInput {
public:
    HiddenInput() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
        termios hidden = before_;
        hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0;
    }
    ~HiddenInput() {
        if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    HiddenInput(const HiddenInput&) = delete;
    HiddenInput& operator=(const HiddenInput&) = delete;

private:
    termios before_{};
    bool changed_ = false;
};

std::string ask(const std::string& prompt) {
    fmt::print(stderr, "{}: ", prompt);
    std::string line;
    const HiddenInput hidden;
    std::getline(std::cin, line);
    fmt::print(stderr, "\n");
    return line;
}

}  // namespace

Result<std::string> read_secret(const std::string& prompt) {
    if (::isatty(STDIN_FILENO) == 0) {
        std::string line;
        if (!std::getline(std::cin, line)) return Error{Errc::invalid, "no password on stdin"};
        return line;
    }
    const std::string first = ask(prompt);
    const std::string second = ask(prompt + " again");
    if (first != second) return Error{Errc::invalid, "the two are not the same"};
    return first;
}

}  // namespace quicksilver
