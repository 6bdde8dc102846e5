#include "file_digest.hpp"

#include "http_steps.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <vector>

namespace quicksilver {

namespace {

class Digest {
public:
    explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) {
        EVP_DigestInit_ex(context_.get(), kind, nullptr);
    }
    void add(const char* bytes, std::size_t count) { EVP_DigestUpdate(context_.get(), bytes, count); }
    std::string hex() {
        std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
        unsigned size = 0;
        EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
        std::string text;
        for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
        return text;
    }

private:
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

Result<FileDigest> digest_file(const std::filesystem::path& file, std::uint64_t offset, std::uint64_t length) {
    auto source = file_source(file, offset, length);
    if (!source) return source.error();
    Digest sha256(EVP_sha256()), md5(EVP_md5());
    std::vector<char> buffer(256 * 1024);
    for (;;) {
        const auto got = source->read(buffer.data(), buffer.size());
        if (!got) return got.error();
        if (*got == 0) break;
        sha256.add(buffer.data(), *got);
        md5.add(buffer.data(), *got);
    }
    return FileDigest{sha256.hex(), md5.hex()};
}

}  // namespace quicksilver
