#include "run_program.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace quicksilver {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto term_grace = std::chrono::seconds(2);
constexpr int look_ms = 200;

struct Descriptor {
    int number = -1;
    Descriptor() = default;
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() { close(); }
    void close() {
        if (number >= 0) ::close(number);
        number = -1;
    }
};

std::vector<std::string> environment_with(const std::map<std::string, std::string>& extra) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text(*entry);
        if (!extra.contains(text.substr(0, text.find('=')))) all.push_back(text);
    }
    for (const auto& [name, value] : extra) all.push_back(fmt::format("{}={}", name, value));
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// 0, or the errno of the failure.
int spawn(const ProgramCall& call, int output, pid_t& pid) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    // DCMTK's sockets are inherited otherwise, and would keep associations open.
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);  // we ignore SIGPIPE, and that would be inherited
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<std::string> words = call.words, environment = environment_with(call.environment);
    const int failed = ::posix_spawnp(&pid, words.front().c_str(), &files, &attributes, pointers_to(words).data(),
                                      pointers_to(environment).data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

int wait_for_end(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// SIGTERM to the group, then SIGKILL.
void end_group(pid_t pid, int output) {
    ::kill(-pid, SIGTERM);
    const auto deadline = Clock::now() + term_grace;
    std::array<char, 4096> ignored{};
    while (Clock::now() < deadline) {
        pollfd readable{output, POLLIN, 0};
        if (::poll(&readable, 1, look_ms) > 0 && ::read(output, ignored.data(), ignored.size()) <= 0) break;
    }
    ::kill(-pid, SIGKILL);
    wait_for_end(pid);
}

}  // namespace

Result<ProgramResult> run_program(const ProgramCall& call, const StopFlag& stop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return Error{Errc::io, fmt::format("cannot run {}: {}", call.words.front(), std::strerror(errno))};
    }
    Descriptor reading, writing;
    reading.number = ends[0];
    writing.number = ends[1];
    pid_t pid = 0;
    if (const int failed = spawn(call, writing.number, pid); failed != 0) {
        return Error{failed == ENOENT ? Errc::not_found : Errc::io,
                     fmt::format("cannot run {}: {}", call.words.front(), std::strerror(failed))};
    }
    writing.close();

    ProgramResult result;
    auto heard = Clock::now();
    std::array<char, 4096> buffer{};
    for (;;) {
        if (stop) {
            end_group(pid, reading.number);
            return Error{Errc::cancelled, fmt::format("{} was stopped", call.words.front())};
        }
        if (call.silence.count() > 0 && Clock::now() - heard > call.silence) {
            end_group(pid, reading.number);
            return Error{Errc::timed_out,
                         fmt::format("{} said nothing for {} s", call.words.front(), call.silence.count())};
        }
        pollfd readable{reading.number, POLLIN, 0};
        if (::poll(&readable, 1, look_ms) <= 0) continue;
        const ssize_t got = ::read(reading.number, buffer.data(), buffer.size());
        if (got <= 0) break;
        heard = Clock::now();
        result.output.append(buffer.data(), static_cast<std::size_t>(got));
        if (result.output.size() > program_output_max) {
            result.output.erase(0, result.output.size() - program_output_max);
        }
    }
    result.status = wait_for_end(pid);
    return result;
}

}  // namespace quicksilver
