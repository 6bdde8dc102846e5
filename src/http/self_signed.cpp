#include "quicksilver/http/self_signed.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

constexpr long valid_seconds = 730L * 24 * 3600;

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Buffer = std::unique_ptr<BIO, decltype(&BIO_free)>;

/// `DNS:host,IP:127.0.0.1`
std::string alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        boost::system::error_code no_address;
        boost::asio::ip::make_address(name, no_address);
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", no_address ? "DNS" : "IP", name);
    }
    return text;
}

bool add_extension(X509& certificate, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    const bool added = extension && X509_add_ext(&certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/// RFC 5280 §4.1.2.2: positive, at most 20 bytes; a browser that saw another one of ours must not mix them up.
bool set_serial(X509& certificate) {
    std::array<unsigned char, 16> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
    random[0] &= 0x7f;
    const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
        BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr), BN_free);
    return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

Certificate make_certificate(EVP_PKEY& key, const std::vector<std::string>& names) {
    Certificate certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), valid_seconds);
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    const auto* common_name = reinterpret_cast<const unsigned char*>(names.front().c_str());
    const bool made = set_serial(*certificate) && X509_set_pubkey(certificate.get(), &key) == 1 &&
                      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, common_name, -1, -1, 0) == 1 &&
                      X509_set_issuer_name(certificate.get(), subject) == 1 &&
                      add_extension(*certificate, NID_subject_alt_name, alternative_names(names)) &&
                      add_extension(*certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                      add_extension(*certificate, NID_ext_key_usage, "serverAuth") &&
                      X509_sign(certificate.get(), &key, EVP_sha256()) > 0;
    if (!made) certificate.reset();
    return certificate;
}

std::string take_text(BIO& buffer) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(&buffer, &data);
    return std::string(data, static_cast<std::size_t>(length));
}

std::string fingerprint_of(X509& certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned length = 0;
    X509_digest(&certificate, EVP_sha256(), hash.data(), &length);
    std::string text;
    for (unsigned i = 0; i < length; ++i) text += fmt::format("{}{:02X}", i == 0 ? "" : ":", hash.at(i));
    return text;
}

Result<void> write_new(const fs::path& file, const std::string& text, unsigned mode) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        const bool taken = errno == EEXIST;
        return Error{taken ? Errc::already_exists : Errc::io,
                     fmt::format("cannot write {}: {}{}", file.string(), std::strerror(errno),
                                 taken ? "; remove it first, or choose another folder" : "")};
    }
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const bool synced = written && ::fsync(fd) == 0;
    ::close(fd);
    if (synced) return {};
    ::unlink(file.c_str());
    return Error{Errc::io, fmt::format("cannot write {}: {}", file.string(), std::strerror(errno))};
}

}  // namespace

Result<SelfSigned> make_self_signed(const fs::path& folder, const std::vector<std::string>& names) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) {
        return Error{Errc::io, fmt::format("cannot make the folder {}: {}", folder.string(), failed.message())};
    }
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const Certificate certificate = key ? make_certificate(*key, names) : Certificate(nullptr, X509_free);
    if (!certificate) {
        return Error{Errc::invalid, fmt::format("cannot make a certificate for {}: a name is a host name or an address",
                                                names.front())};
    }
    const Buffer key_text(BIO_new(BIO_s_mem()), BIO_free);
    const Buffer certificate_text(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    PEM_write_bio_X509(certificate_text.get(), certificate.get());

    SelfSigned made{folder / "certificate.pem", folder / "key.pem", fingerprint_of(*certificate)};
    if (auto written = write_new(made.key, take_text(*key_text), 0600); !written) return written.error();
    if (auto written = write_new(made.certificate, take_text(*certificate_text), 0644); !written) {
        fs::remove(made.key, failed);
        return written.error();
    }
    return made;
}

}  // namespace quicksilver
