#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quicksilver::test {

struct HttpAnswer {
    unsigned status = 0;
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;

    std::string header(const std::string& name) const;
};

/// Splits the first answer off `received`; false while it is incomplete. `head`: the answer to a HEAD has no body.
bool take_answer(std::string& received, HttpAnswer& answer, bool head);

/// A blocking client that sends exactly the bytes it is given. Every wait ends after ten seconds with an exception.
class HttpClient {
public:
    explicit HttpClient(std::uint16_t port, const std::string& from = "127.0.0.1");

    void send(std::string_view bytes);
    /// No more will be sent.
    void finish_sending();
    HttpAnswer read_answer(bool head = false);
    HttpAnswer exchange(std::string_view bytes);
    /// GET with the headers that a well-behaved client sends, plus `more` (lines with their ends).
    HttpAnswer get(const std::string& target, const std::string& more = "");
    /// Everything up to and with `text`, as it came: of a stream.
    std::string read_until(std::string_view text);
    /// Whether the server has closed the connection, after whatever it still sent.
    bool is_closed_by_server();

private:
    bool receive();

    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
    std::string received_;
};

}  // namespace quicksilver::test
