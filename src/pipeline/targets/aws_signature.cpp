#include "aws_signature.hpp"

#include "quicksilver/pipeline/http_client.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <ctime>

namespace quicksilver {

namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

std::string hmac(std::string_view key, std::string_view message) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(message.data()),
         message.size(), digest.data(), &size);
    return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

/// 20150830T123600Z
std::string basic_time(WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    return fmt::format("{:%Y%m%dT%H%M%SZ}", utc);
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

std::string aws_path(std::string_view path) {
    std::string encoded;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        encoded += url_encode(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        encoded += '/';
        path.remove_prefix(slash + 1);
    }
    return encoded.empty() ? "/" : encoded;
}

std::string aws_query(const std::map<std::string, std::string>& query) {
    std::string text;
    for (const auto& [name, value] : query) {
        text += fmt::format("{}{}={}", text.empty() ? "" : "&", url_encode(name), url_encode(value));
    }
    return text;
}

std::map<std::string, std::string> sign(const AwsRequest& request, const AwsCredentials& credentials, WallTime now) {
    const std::string time = basic_time(now);
    const std::string day = time.substr(0, 8);
    std::map<std::string, std::string> headers = request.headers;
    headers["host"] = request.host;
    headers["x-amz-date"] = time;
    if (credentials.service == "s3") headers["x-amz-content-sha256"] = request.payload_sha256;

    std::string names, lines;
    for (const auto& [name, value] : headers) {
        names += (names.empty() ? "" : ";") + name;
        lines += fmt::format("{}:{}\n", name, value);
    }
    const std::string canonical = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, aws_path(request.path),
                                              aws_query(request.query), lines, names, request.payload_sha256);
    const std::string scope = fmt::format("{}/{}/{}/aws4_request", day, credentials.region, credentials.service);
    const std::string to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, scope, sha256_hex(canonical));
    std::string key = hmac("AWS4" + credentials.secret_access_key, day);
    for (const std::string& part : {credentials.region, credentials.service, std::string("aws4_request")}) {
        key = hmac(key, part);
    }
    std::map<std::string, std::string> signed_headers;
    for (const char* name : {"x-amz-date", "x-amz-content-sha256"}) {
        if (headers.contains(name)) signed_headers[name] = headers[name];
    }
    signed_headers["authorization"] = fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                                  credentials.access_key_id, scope, names, hex(hmac(key, to_sign)));
    return signed_headers;
}

}  // namespace quicksilver
