#include "dicom/tls_gate.hpp"

#include "support/catch.hpp"
#include "support/coroutines.hpp"
#include "support/temporary_folder.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <thread>

using namespace quicksilver;
using namespace quicksilver::dicom;

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

DicomTlsConfig make_certificate(const test::TemporaryFolder& folder) {
    DicomTlsConfig settings;
    settings.certificate = folder / "server.pem";
    settings.key = folder / "server.key";
    settings.port = 0;
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost "
        "-keyout {} -out {} 2>/dev/null",
        settings.key.string(), settings.certificate.string());
    REQUIRE(std::system(command.c_str()) == 0);
    return settings;
}

/// A gate whose connections in the clear are kept for the test.
struct Fixture {
    test::TemporaryFolder folder;
    asio::io_context io;
    std::vector<tcp::socket> adopted;
    std::vector<std::string> addresses, refusals;
    TlsGate gate;
    CoroutineGroup group{io.get_executor(), nullptr};

    explicit Fixture(std::chrono::milliseconds handshake_timeout = std::chrono::seconds(10))
        : gate(
              io.get_executor(), Log(make_silent_log(), "test"), handshake_timeout, 4,
              [this](tcp::socket plain, std::string address) {
                  adopted.push_back(std::move(plain));
                  addresses.push_back(std::move(address));
              },
              [this](const std::string&, const std::string& reason) { refusals.push_back(reason); }) {
        REQUIRE(gate.open("127.0.0.1", make_certificate(folder)).ok());
        group.start("gate", gate.run());
    }
    ~Fixture() {
        adopted.clear();
        gate.close();
        test::run_until(io, [this] { return group.empty(); });
        // What still says goodbye.
        io.restart();
        io.run_for(std::chrono::seconds(5));
    }
    tcp::endpoint endpoint() const { return {asio::ip::address_v4::loopback(), gate.port()}; }
    void run_until(const std::function<bool()>& done) { test::run_until(io, done); }
};

/// A peer on a thread of its own, because it blocks.
class Peer {
public:
    explicit Peer(std::function<void(asio::ssl::stream<tcp::socket>&)> work, tcp::endpoint to)
        : thread_([this, work = std::move(work), to] {
              asio::io_context io;
              asio::ssl::context context(asio::ssl::context::tls_client);
              asio::ssl::stream<tcp::socket> stream(io, context);
              stream.next_layer().connect(to);
              boost::system::error_code failed;
              stream.handshake(asio::ssl::stream_base::client, failed);
              if (!failed) work(stream);
              done_ = true;
          }) {}
    ~Peer() { thread_.join(); }
    bool done() const { return done_; }

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

}  // namespace

TEST_CASE("What a peer says behind TLS arrives in the clear, and the answer arrives at the peer", "[dicom][tls]") {
    Fixture f;
    const std::string sent(1'000'000, 'x');
    std::string answer(sent.size(), ' ');
    {
        const Peer peer(
            [&](auto& stream) {
                asio::write(stream, asio::buffer(sent));
                asio::read(stream, asio::buffer(answer));
            },
            f.endpoint());
        f.run_until([&] { return f.adopted.size() == 1; });
        CHECK(f.addresses.front() == "127.0.0.1");
        std::thread echo([&] {
            tcp::socket& plain = f.adopted.front();
            plain.native_non_blocking(false);
            std::string received(sent.size(), ' ');
            asio::read(plain, asio::buffer(received));
            asio::write(plain, asio::buffer(received));
        });
        f.run_until([&] { return peer.done(); });
        echo.join();
    }
    CHECK((answer == sent));
}

TEST_CASE("When either end closes, the other one sees the end", "[dicom][tls]") {
    Fixture f;
    bool saw_end = false;
    {
        const Peer peer(
            [&](auto& stream) {
                std::array<char, 1> byte{};
                boost::system::error_code end;
                asio::read(stream, asio::buffer(byte), end);
                saw_end = end == asio::error::eof || end == asio::ssl::error::stream_truncated;
            },
            f.endpoint());
        f.run_until([&] { return f.adopted.size() == 1; });
        f.adopted.front().close();
        f.run_until([&] { return peer.done(); });
    }
    CHECK(saw_end);
    {
        const Peer peer([](auto&) {}, f.endpoint());
        f.run_until([&] { return f.adopted.size() == 2 && peer.done(); });
    }
    bool ended = false;
    std::array<char, 1> byte{};
    f.adopted.back().async_read_some(asio::buffer(byte), [&](boost::system::error_code, std::size_t) { ended = true; });
    f.run_until([&] { return ended; });
}

TEST_CASE("A peer that does not speak TLS is refused with a reason", "[dicom][tls]") {
    Fixture f;
    tcp::socket peer(f.io);
    peer.connect(f.endpoint());
    asio::write(peer, asio::buffer(std::string(100, '\x01')));
    f.run_until([&] { return f.refusals.size() == 1; });
    CHECK(f.refusals.front().rfind("TLS handshake: ", 0) == 0);
    CHECK(f.adopted.empty());
}

TEST_CASE("A silent peer is dropped after a time, and a stop does not wait for it", "[dicom][tls]") {
    Fixture f(std::chrono::milliseconds(50));
    tcp::socket peer(f.io);
    peer.connect(f.endpoint());
    bool dropped = false;
    std::array<char, 1> byte{};
    peer.async_read_some(asio::buffer(byte), [&](boost::system::error_code, std::size_t) { dropped = true; });
    f.run_until([&] { return dropped; });

    Fixture patient;
    tcp::socket silent(patient.io);
    silent.connect(patient.endpoint());
    test::run_handler(patient.io, [&] { patient.gate.close(); });
    patient.run_until([&] { return patient.group.empty(); });
}

TEST_CASE("Files and ports that cannot be used are named", "[dicom][tls]") {
    Fixture f;
    const auto open = [&](const std::function<void(DicomTlsConfig&)>& change) {
        DicomTlsConfig settings;
        settings.certificate = f.folder / "server.pem";
        settings.key = f.folder / "server.key";
        settings.port = 0;
        change(settings);
        TlsGate gate(f.io.get_executor(), Log(make_silent_log(), "test"), std::chrono::seconds(1), 1, nullptr, nullptr);
        const auto opened = gate.open("127.0.0.1", settings);
        return opened.ok() ? std::string() : opened.error().message;
    };
    CHECK(open([](DicomTlsConfig&) {}).empty());
    CHECK(open([](auto& settings) { settings.certificate = "/none.pem"; }).find("/none.pem") != std::string::npos);
    CHECK(open([](auto& settings) { settings.key = "/none.key"; }).find("/none.key") != std::string::npos);
    CHECK(open([](auto& settings) { settings.ca = "/none.ca"; }).find("/none.ca") != std::string::npos);
    const std::uint16_t taken = f.gate.port();
    CHECK(open([taken](auto& settings) { settings.port = taken; }).find("dicom.tls.port") != std::string::npos);
}
