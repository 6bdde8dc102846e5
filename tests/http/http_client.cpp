#include "http/http_client.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/time.h>

namespace asio = boost::asio;

namespace quicksilver::test {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(tolower(c)); });
    return text;
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const {
    const auto found = headers.find(lower(name));
    return found == headers.end() ? std::string() : found->second;
}

bool take_answer(std::string& received, HttpAnswer& answer, bool head) {
    const std::size_t end = received.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    answer = HttpAnswer();
    answer.status = static_cast<unsigned>(std::stoul(received.substr(received.find(' ') + 1, 3)));
    for (std::size_t line = received.find("\r\n"); line < end; line = received.find("\r\n", line + 2)) {
        const std::string field = received.substr(line + 2, received.find("\r\n", line + 2) - line - 2);
        const std::size_t colon = field.find(": ");
        if (colon != std::string::npos) answer.headers[lower(field.substr(0, colon))] = field.substr(colon + 2);
    }
    const std::string length = answer.header("Content-Length");
    const std::size_t body = head || length.empty() ? 0 : std::stoul(length);
    if (received.size() < end + 4 + body) return false;
    answer.body = received.substr(end + 4, body);
    received.erase(0, end + 4 + body);
    return true;
}

HttpClient::HttpClient(std::uint16_t port, const std::string& from) : socket_(context_) {
    socket_.open(asio::ip::tcp::v4());
    socket_.bind(asio::ip::tcp::endpoint(asio::ip::make_address(from), 0));
    socket_.connect(asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), port));
    const timeval limit{10, 0};
    setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
}

void HttpClient::send(std::string_view bytes) {
    asio::write(socket_, asio::buffer(bytes));
}

void HttpClient::finish_sending() {
    socket_.shutdown(asio::socket_base::shutdown_send);
}

HttpAnswer HttpClient::read_answer(bool head) {
    HttpAnswer answer;
    while (!take_answer(received_, answer, head)) {
        if (!receive()) throw std::runtime_error("closed before an answer; received: " + received_);
    }
    return answer;
}

HttpAnswer HttpClient::exchange(std::string_view bytes) {
    send(bytes);
    return read_answer();
}

HttpAnswer HttpClient::get(const std::string& target, const std::string& more) {
    return exchange(fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", target, more));
}

std::string HttpClient::read_until(std::string_view text) {
    for (;;) {
        const std::size_t found = received_.find(text);
        if (found != std::string::npos) {
            const std::string taken = received_.substr(0, found + text.size());
            received_.erase(0, taken.size());
            return taken;
        }
        if (!receive()) throw std::runtime_error("closed before the text; received: " + received_);
    }
}

bool HttpClient::is_closed_by_server() {
    while (receive()) continue;
    return true;
}

bool HttpClient::receive() {
    // Not through Asio: it would wait for ever where SO_RCVTIMEO says that the time is over.
    std::array<char, 8192> bytes{};
    const ssize_t count = recv(socket_.native_handle(), bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == ECONNRESET) return false;
    if (count < 0) throw std::runtime_error("no answer in time; received: " + received_);
    received_.append(bytes.data(), static_cast<std::size_t>(count));
    return count > 0;
}

}  // namespace quicksilver::test
