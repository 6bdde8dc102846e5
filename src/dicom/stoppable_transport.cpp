#include "stoppable_transport.hpp"

#include <dcmtk/dcmnet/dcmtrans.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <sys/socket.h>

namespace quicksilver::dicom {

namespace {

constexpr auto step = std::chrono::milliseconds(200);

class StoppableConnection final : public DcmTransportConnection {
public:
    StoppableConnection(const StopFlag* const& stop, std::unique_ptr<DcmTransportConnection> connection, int socket)
        : DcmTransportConnection(socket), stop_(stop), connection_(std::move(connection)), socket_(socket) {}

    OFCondition serverSideHandshake() override { return connection_->serverSideHandshake(); }
    OFCondition clientSideHandshake() override { return connection_->clientSideHandshake(); }
    OFCondition renegotiate(const char* suite) override { return connection_->renegotiate(suite); }
    ssize_t read(void* buffer, size_t size) override { return connection_->read(buffer, size); }
    void close() override { connection_->close(); }
    void closeTransportConnection() override { connection_->closeTransportConnection(); }
    unsigned long getPeerCertificateLength() override { return connection_->getPeerCertificateLength(); }
    unsigned long getPeerCertificate(void* buffer, unsigned long size) override {
        return connection_->getPeerCertificate(buffer, size);
    }
    OFBool isTransparentConnection() override { return connection_->isTransparentConnection(); }
    OFString& dumpConnectionParameters(OFString& text) override { return connection_->dumpConnectionParameters(text); }

    /// In steps: what lies decrypted in memory already is seen by the connection alone.
    OFBool networkDataAvailable(int timeout_s) override {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
        for (;;) {
            if (connection_->networkDataAvailable(0)) return OFTrue;
            if (*stop_ || std::chrono::steady_clock::now() >= deadline) return OFFalse;
            if (wait_for(POLLIN, deadline)) return OFTrue;  // also when it is broken: reading tells
        }
    }

    /// All of it, as DCMTK expects.
    ssize_t write(void* buffer, size_t size) override {
        if (!connection_->isTransparentConnection()) return connection_->write(buffer, size);
        const char* bytes = static_cast<const char*>(buffer);
        auto deadline = std::chrono::steady_clock::now() + silence_;
        for (size_t written = 0; written < size;) {
            const ssize_t taken = ::send(socket_, bytes + written, size - written, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (taken > 0) {
                written += static_cast<size_t>(taken);
                deadline = std::chrono::steady_clock::now() + silence_;
                continue;
            }
            if (taken < 0 && errno == EINTR) continue;
            if (taken < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return -1;
            while (!wait_for(POLLOUT, deadline)) {
                if (!*stop_ && std::chrono::steady_clock::now() < deadline) continue;
                errno = ETIMEDOUT;
                return -1;
            }
        }
        return static_cast<ssize_t>(size);
    }

private:
    /// For a step at most; true when the socket is ready, or broken.
    bool wait_for(short events, std::chrono::steady_clock::time_point deadline) const {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        const auto wait = std::clamp(left, std::chrono::milliseconds(0), step);
        pollfd one{socket_, events, 0};
        return ::poll(&one, 1, static_cast<int>(wait.count())) > 0;
    }

    const StopFlag* const& stop_;
    const std::unique_ptr<DcmTransportConnection> connection_;
    const int socket_;
    const std::chrono::seconds silence_{dcmSocketSendTimeout.get()};
};

}  // namespace

StoppableLayer::StoppableLayer(const StopFlag* const& stop, std::unique_ptr<DcmTransportLayer> encrypting)
    : stop_(stop), base_(encrypting ? std::move(encrypting) : std::make_unique<DcmTransportLayer>()) {}

DcmTransportConnection* StoppableLayer::createConnection(DcmNativeSocketType socket, OFBool encrypted) {
    std::unique_ptr<DcmTransportConnection> made(base_->createConnection(socket, encrypted));
    return made ? new StoppableConnection(stop_, std::move(made), socket) : nullptr;
}

}  // namespace quicksilver::dicom
