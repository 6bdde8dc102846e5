#include "tls_context.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

namespace ssl = boost::asio::ssl;

namespace quicksilver {

namespace {

Error cannot_use(std::string_view what, const std::filesystem::path& file, const boost::system::error_code& reason) {
    return Error{Errc::invalid, fmt::format("cannot use the HTTPS {} {}: {}. It must be a readable PEM file.", what,
                                            file.string(), reason.message())};
}

}  // namespace

Result<std::shared_ptr<ssl::context>> make_tls_context(const HttpConfig& config) {
    if (config.certificate.empty() && config.key.empty()) return std::shared_ptr<ssl::context>();
    if (config.certificate.empty() || config.key.empty()) {
        return Error{Errc::invalid, "HTTPS needs both a certificate and a key; the configuration names only one"};
    }
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    boost::system::error_code failure;
    context->use_certificate_chain_file(config.certificate.string(), failure);
    if (failure) return cannot_use("certificate", config.certificate, failure);
    context->use_private_key_file(config.key.string(), ssl::context::pem, failure);
    if (failure) return cannot_use("key", config.key, failure);
    if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
        return Error{Errc::invalid, fmt::format("the HTTPS key {} does not belong to the certificate {}",
                                                config.key.string(), config.certificate.string())};
    }
    return context;
}

}  // namespace quicksilver
