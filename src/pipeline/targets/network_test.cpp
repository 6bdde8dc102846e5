#include "network_test.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace quicksilver {

namespace {

constexpr int connect_timeout_ms = 10'000;
constexpr int poll_step_ms = 500;  // a stop is noticed within
constexpr int silence_timeout_s = 10;

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::string text_of(const addrinfo& address) {
    char host[NI_MAXHOST] = {};
    if (::getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof(host), nullptr, 0, NI_NUMERICHOST) != 0)
        return "?";
    return host;
}

Result<Addresses> resolve(const std::string& host, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (failed != 0) {
        return Error{Errc::network, fmt::format("cannot find the address of {}: {}", host, ::gai_strerror(failed))};
    }
    return Addresses(list);
}

/// 0, or the errno of the failure.
int connect_to(const addrinfo& address, const StopFlag& stop, TestSocket& connected) {
    TestSocket socket(::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (socket.descriptor() < 0) return errno;
    if (::connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) != 0) {
        if (errno != EINPROGRESS) return errno;
        pollfd writable{socket.descriptor(), POLLOUT, 0};
        int ready = 0;
        for (int waited = 0; ready == 0 && waited < connect_timeout_ms && !stop; waited += poll_step_ms) {
            ready = ::poll(&writable, 1, poll_step_ms);
        }
        if (ready <= 0) return ETIMEDOUT;
        int error = 0;
        socklen_t size = sizeof(error);
        if (::getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
        if (error != 0) return error;
    }
    ::fcntl(socket.descriptor(), F_SETFL, ::fcntl(socket.descriptor(), F_GETFL) & ~O_NONBLOCK);
    const timeval patience{silence_timeout_s, 0};
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    connected = std::move(socket);
    return 0;
}

std::string connect_hint(const Error& error) {
    if (error.code == Errc::timed_out) return "check the address, and that no firewall is in the way";
    return "check that the service runs there, and its port";
}

}  // namespace

TestSocket& TestSocket::operator=(TestSocket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

TestSocket::~TestSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

TestSocket test_connection(TargetTest& test, const std::string& host, std::uint16_t port) {
    Addresses addresses;
    const auto find = [&]() -> Result<std::string> {
        auto found = resolve(host, port);
        if (!found) return found.error();
        addresses = std::move(*found);
        return text_of(*addresses);
    };
    if (!test.step("dns", find, "check the spelling of the name, and the name server of this machine")) return {};

    TestSocket socket;
    const auto connect = [&]() -> Result<std::string> {
        int failed = 0;
        for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
            failed = connect_to(*address, test.stop(), socket);
            if (failed == 0) return fmt::format("connected to {} port {}", text_of(*address), port);
        }
        return Error{failed == ETIMEDOUT ? Errc::timed_out : Errc::network,
                     fmt::format("cannot connect to {} port {}: {}", host, port, std::strerror(failed))};
    };
    test.step("tcp", connect, connect_hint);
    return socket;
}

}  // namespace quicksilver
