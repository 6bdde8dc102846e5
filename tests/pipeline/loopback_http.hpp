#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::test {

/// A small HTTP server on this machine for tests of clients: one thread accepts, one thread a connection.
class LoopbackHttp {
public:
    struct Request {
        std::string method, target, body;
        std::map<std::string, std::string> headers;  ///< names in lower case
        unsigned connection = 0;                     ///< 1 for the first connection, and so on
    };
    /// The connection, for the handler.
    class Peer {
    public:
        virtual ~Peer() = default;
        /// Whatever bytes the handler likes. False when the client is gone.
        virtual bool write(std::string_view bytes) = 0;
        /// Returns when the client goes away, or the test ends.
        virtual void wait_until_closed() = 0;
        /// After the handler: no more requests on this connection.
        virtual void close() = 0;

        /// A whole response with Content-Length.
        void answer(int status, std::string_view body, std::string_view more_headers = "");
    };
    using Handler = std::function<void(const Request&, Peer&)>;

    /// PEM files; with `client_ca` the client must show a certificate of that authority.
    struct Tls {
        std::filesystem::path certificate, key, client_ca;
    };

    explicit LoopbackHttp(Handler handler);
    LoopbackHttp(Handler handler, const std::filesystem::path& unix_socket);
    LoopbackHttp(Handler handler, const Tls& tls);
    ~LoopbackHttp();

    std::uint16_t port() const;
    /// http://127.0.0.1:PORT, or https://localhost:PORT
    std::string url(std::string_view path = "/") const;
    std::vector<Request> requests() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace quicksilver::test
