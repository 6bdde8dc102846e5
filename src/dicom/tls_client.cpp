#include "tls_client.hpp"

#include "quicksilver/dicom/tls_check.hpp"

#include <dcmtk/dcmnet/dul.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace quicksilver::dicom {

namespace {

template <auto Free>
struct Freeing {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using Context = std::unique_ptr<SSL_CTX, Freeing<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freeing<SSL_free>>;
using Certificate = std::unique_ptr<X509, Freeing<X509_free>>;
using Memory = std::unique_ptr<BIO, Freeing<BIO_free_all>>;

std::string openssl_reason() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
    return reason ? reason : "unknown reason";
}

std::string text_of(BIO* memory) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory, &text);
    return std::string(text, static_cast<std::size_t>(std::max(0L, length)));
}

std::string date_text(const ASN1_TIME* time) {
    const Memory memory(BIO_new(BIO_s_mem()));
    return ASN1_TIME_print(memory.get(), time) == 1 ? text_of(memory.get()) : "an unknown date";
}

std::string subject_of(X509* certificate) {
    const Memory memory(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(memory.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    return text_of(memory.get());
}

Result<Certificate> read_certificate(const std::filesystem::path& file) {
    const Memory source(BIO_new_file(file.c_str(), "r"));
    if (!source) {
        ERR_clear_error();
        return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), std::strerror(errno))};
    }
    Certificate certificate(PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
        ERR_clear_error();
        return Error{Errc::invalid, fmt::format("{} holds no certificate in PEM form", file.string())};
    }
    return certificate;
}

/// Says at once what a peer would only hint at.
Result<void> check_own_certificate(const std::filesystem::path& file) {
    const auto certificate = read_certificate(file);
    if (!certificate) return certificate.error();
    const ASN1_TIME* until = X509_get0_notAfter(certificate->get());
    if (X509_cmp_current_time(until) >= 0) return {};
    return Error{Errc::invalid, fmt::format("our certificate {} expired on {}", file.string(), date_text(until))};
}

/// The certificate that was refused in this thread's handshake; OpenSSL drops it with the connection.
thread_local std::string refused_certificate;

int remember_refused(int is_good, X509_STORE_CTX* chain) {
    X509* certificate = X509_STORE_CTX_get_current_cert(chain);
    if (is_good != 1 && certificate) {
        const bool expired = X509_STORE_CTX_get_error(chain) == X509_V_ERR_CERT_HAS_EXPIRED;
        refused_certificate = expired ? fmt::format("({}) expired on {}", subject_of(certificate),
                                                    date_text(X509_get0_notAfter(certificate)))
                                      : fmt::format("({}) is not to be trusted: {}", subject_of(certificate),
                                                    X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain)));
    }
    return is_good;
}

Result<Context> make_context(const TlsClient& tls) {
    Context context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, remember_refused);
    if (SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str()) != 1) {
        return Error{Errc::invalid,
                     fmt::format("cannot use the certificate {}: {}", tls.certificate.string(), openssl_reason())};
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        return Error{Errc::invalid, fmt::format("cannot use the key {}: {}", tls.key.string(), openssl_reason())};
    }
    if (SSL_CTX_check_private_key(context.get()) != 1) {
        ERR_clear_error();
        return Error{Errc::invalid, fmt::format("the key {} does not belong to the certificate {}", tls.key.string(),
                                                tls.certificate.string())};
    }
    if (SSL_CTX_load_verify_locations(context.get(), tls.ca.c_str(), nullptr) != 1) {
        return Error{Errc::invalid,
                     fmt::format("cannot use the authorities in {}: {}", tls.ca.string(), openssl_reason())};
    }
    return context;
}

Error handshake_error(SSL* connection) {
    if (SSL_get_verify_result(connection) != X509_V_OK && !refused_certificate.empty()) {
        ERR_clear_error();
        return Error{Errc::refused, "its certificate " + refused_certificate};
    }
    const bool silent = ERR_peek_last_error() == 0;
    return Error{Errc::refused,
                 silent ? "it closed the connection during the TLS handshake; perhaps it does not speak TLS "
                          "on this port"
                        : fmt::format("TLS handshake: {}", openssl_reason())};
}

/// With TLS 1.3 a server refuses our certificate only after the handshake has ended on our side.
Result<void> wait_for_refusal(SSL* connection, int socket) {
    pollfd readable{socket, POLLIN, 0};
    constexpr int patience_ms = 300;
    if (::poll(&readable, 1, patience_ms) <= 0) return {};
    std::array<char, 1> byte{};
    if (SSL_peek(connection, byte.data(), 1) > 0) return {};
    if (ERR_peek_last_error() == 0) {
        const int error = SSL_get_error(connection, -1);
        if (error == SSL_ERROR_WANT_READ) return {};
        return Error{Errc::refused, "it closed the connection after it saw our certificate"};
    }
    return Error{Errc::refused, fmt::format("it refuses our certificate: {}", openssl_reason())};
}

}  // namespace

Result<std::unique_ptr<DcmTLSTransportLayer>> make_tls_layer(const TlsClient& tls) {
    // DCMTK's own errors do not name the files.
    if (auto context = make_context(tls); !context) return context.error();
    if (auto valid = check_own_certificate(tls.certificate); !valid) return valid.error();
    // OpenSSL has been initialised by Startup, and doing so again is not safe beside other threads.
    auto layer = std::make_unique<DcmTLSTransportLayer>(NET_REQUESTOR, nullptr, OFFalse);
    const auto done = [&](const OFCondition& condition) { return condition.good(); };
    const bool ready = done(layer->setPrivateKeyFile(tls.key.c_str(), DCF_Filetype_PEM)) &&
                       done(layer->setCertificateFile(tls.certificate.c_str(), DCF_Filetype_PEM)) &&
                       done(layer->addTrustedCertificateFile(tls.ca.c_str(), DCF_Filetype_PEM)) &&
                       done(layer->setTLSProfile(TSP_Profile_BCP195)) && done(layer->activateCipherSuites());
    if (!ready) return Error{Errc::invalid, "DCMTK cannot use the TLS files"};
    layer->setCertificateVerification(DCV_requireCertificate);
    return layer;
}

Result<std::string> check_tls(int socket, const TlsClient& tls) {
    auto context = make_context(tls);
    if (!context) return context.error();
    if (auto valid = check_own_certificate(tls.certificate); !valid) return valid.error();
    ERR_clear_error();
    refused_certificate.clear();
    const Connection connection(SSL_new(context->get()));
    SSL_set_fd(connection.get(), socket);
    if (SSL_connect(connection.get()) != 1) return handshake_error(connection.get());
    if (auto refused = wait_for_refusal(connection.get(), socket); !refused) return refused.error();
    const Certificate certificate(SSL_get1_peer_certificate(connection.get()));
    return fmt::format("{}, {}, valid until {}", SSL_get_version(connection.get()), subject_of(certificate.get()),
                       date_text(X509_get0_notAfter(certificate.get())));
}

std::optional<std::string> explain_tls_failure(const Destination& destination) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(destination.port);
    if (::getaddrinfo(destination.host.c_str(), port.c_str(), &hints, &found) != 0) return std::nullopt;
    const std::unique_ptr<addrinfo, Freeing<::freeaddrinfo>> addresses(found);
    const int socket = ::socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return std::nullopt;
    // DCMTK has just reached this address, so connecting does not take long.
    const timeval patience{10, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    std::optional<std::string> reason;
    if (::connect(socket, addresses->ai_addr, addresses->ai_addrlen) == 0) {
        if (const auto checked = check_tls(socket, *destination.tls); !checked) reason = checked.error().message;
    }
    ::close(socket);
    return reason;
}

}  // namespace quicksilver::dicom
