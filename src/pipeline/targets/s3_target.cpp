#include "quicksilver/core/peer_text.hpp"
#include "quicksilver/core/unique_id.hpp"

#include "aws_signature.hpp"
#include "builtin_targets.hpp"
#include "file_digest.hpp"
#include "file_filter.hpp"
#include "http_steps.hpp"
#include "settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

namespace quicksilver {

namespace {

constexpr std::uint64_t mebibyte = 1UL << 20;
constexpr std::uint64_t parts_max = 10'000;  // of one object, by S3's rules

struct S3Settings {
    std::string name, bucket, prefix;
    AwsCredentials credentials;
    UrlParts endpoint;
    bool path_style = false;
    std::uint64_t part_size = 64 * mebibyte;
    std::filesystem::path ca;
};

/// The text of the first element of that name in an answer of S3, which is small XML without attributes.
std::string element(const std::string& xml, const std::string& name) {
    const std::size_t begin = xml.find("<" + name + ">");
    if (begin == std::string::npos) return {};
    const std::size_t end = xml.find("</" + name + ">", begin);
    if (end == std::string::npos) return {};
    return xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
}

std::string without_quotes(std::string text) {
    std::erase(text, '"');
    return text;
}

/// Whether an ETag promises to be the MD5 of what was sent; with some kinds of encryption it is not.
bool is_md5(const std::string& etag, const HttpResponse& response) {
    const std::string encryption = response.header("x-amz-server-side-encryption");
    const bool hexadecimal = etag.find_first_not_of("0123456789abcdef") == std::string::npos;
    return etag.size() == 32 && hexadecimal && (encryption.empty() || encryption == "AES256") &&
           response.header("x-amz-server-side-encryption-customer-algorithm").empty();
}

/// As the codes of Amazon's errors are.
bool is_word(const std::string& code) {
    constexpr std::size_t length_max = 64;
    return code.size() <= length_max && std::ranges::all_of(code, [](unsigned char c) { return std::isalnum(c) != 0; });
}

Error s3_error(const std::string& doing, const HttpResponse& response) {
    Error error = status_error(doing, response);
    const std::string code = element(response.body, "Code");
    if (!code.empty()) error.message += fmt::format(": {}", is_word(code) ? code : peer_text(code));
    if (code == "RequestTimeout" || code == "SlowDown" || code == "InternalError") error.code = Errc::busy;
    return error;
}

std::string s3_hint(const Error& error) {
    const auto says = [&error](const char* code) { return error.message.find(code) != std::string::npos; };
    if (says("InvalidAccessKeyId")) return "the access key is unknown; check `access_key_id`";
    if (says("SignatureDoesNotMatch")) return "check `secret_access_key`";
    if (says("RequestTimeTooSkewed")) return "the clock of this machine is wrong";
    if (says("NoSuchBucket"))
        return "check `bucket`, and `endpoint` and `path_style` for a service other than Amazon's";
    if (says("AuthorizationHeaderMalformed") || says("PermanentRedirect") || says("status 301")) {
        return "the bucket is in another region; check `region`";
    }
    if (says("status 403")) return "the key lacks rights on this bucket: s3:ListBucket and s3:PutObject are needed";
    return http_hint(error);
}

/// One conversation with the service: a connection, and the signing of each request.
class S3Client {
public:
    S3Client(const S3Settings& settings, const StopFlag& stop) : settings_(settings), stop_(stop) {}

    struct Call {
        std::string method;
        std::string key;
        std::map<std::string, std::string> query{};
        std::string body{};
        std::optional<HttpBodySource> source{};
        std::string payload_sha256{};  ///< of the source
    };

    Result<HttpResponse> send(Call call) {
        AwsRequest request;
        request.method = call.method;
        request.host = settings_.endpoint.authority();
        request.path = fmt::format("{}{}/{}", settings_.endpoint.path,
                                   settings_.path_style ? "/" + settings_.bucket : "", call.key);
        if (!settings_.path_style) request.host = settings_.bucket + "." + request.host;
        request.query = call.query;
        request.payload_sha256 = call.source ? call.payload_sha256 : sha256_hex(call.body);

        HttpRequest http;
        http.method = call.method;
        http.url = fmt::format("{}://{}{}{}{}", settings_.endpoint.scheme, request.host, aws_path(request.path),
                               call.query.empty() ? "" : "?", aws_query(call.query));
        for (const auto& [name, value] : sign(request, settings_.credentials, std::chrono::system_clock::now())) {
            http.headers.emplace_back(name, value);
        }
        http.tls.ca = settings_.ca;
        http.body = std::move(call.body);
        http.source = std::move(call.source);
        http.stop = &stop_;
        auto response = client_.send(http);
        if (!response)
            response =
                Error{response.error().code, fmt::format("target {}: {}", settings_.name, response.error().message)};
        return response;
    }

private:
    const S3Settings& settings_;
    const StopFlag& stop_;
    HttpClient client_;
};

/// S3, and services like it. Each file becomes the object `<prefix>/<task id>/<file name>`; every one is verified by
/// its checksum, which the service compares, by its ETag where that is one, and by its size afterwards.
class S3Target final : public Target {
public:
    explicit S3Target(S3Settings settings) : settings_(std::move(settings)) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        // Instances and results; what only this server understands stays here, as with mercure.
        const auto files = files_to_hand_over(delivery.folder, FileFilter("*.tags,task.json"));
        if (!files) return files.error();
        S3Client client(settings_, stop);
        Receipt receipt;
        for (const HandedFile& file : *files) {
            if (delivery.confirmed.contains(file.name)) continue;
            const std::string key = key_of(delivery.task.id, file.name);
            const auto bytes = upload(client, file.source, key);
            if (!bytes) return bytes.error();
            receipt.bytes += *bytes;
            if (file.source.extension() == ".dcm") ++receipt.instances;
            progress(file.name, 0);
        }
        return receipt;
    }

    void test(TargetTest& test) override {
        UrlParts server = settings_.endpoint;
        if (!settings_.path_style) server.host = settings_.bucket + "." + server.host;
        if (!test_http_server(test, server, settings_.ca)) return;
        S3Client client(settings_, test.stop());
        const auto list = [&]() -> Result<std::string> {
            const auto response = client.send({"GET", "", {{"list-type", "2"}, {"max-keys", "1"}}});
            if (!response) return response.error();
            if (!response->is_success()) return s3_error("cannot list the bucket " + settings_.bucket, *response);
            return fmt::format("the bucket {} is there", settings_.bucket);
        };
        if (!test.step("auth", list, s3_hint) || !test.is_full()) return;
        const auto write = [&]() -> Result<std::string> {
            const std::string key = key_of("", ".quicksilver-test-" + make_task_id());
            auto response = client.send({"PUT", key, {}, "test\n"});
            if (!response) return response.error();
            if (!response->is_success()) return s3_error("cannot write to the bucket " + settings_.bucket, *response);
            const auto removed = client.send({"DELETE", key});
            if (!removed || !removed->is_success()) {
                return std::string("can be written to; the test object could not be removed again");
            }
            return std::string("can be written to");
        };
        test.step("write", write, s3_hint);
    }

private:
    std::string key_of(const std::string& task, const std::string& file) const {
        std::string key;
        for (const std::string& part : {settings_.prefix, task, file}) {
            if (!part.empty()) key += (key.empty() ? "" : "/") + part;
        }
        return key;
    }

    /// The bytes of the file.
    Result<std::uint64_t> upload(S3Client& client, const std::filesystem::path& file, const std::string& key) const {
        std::error_code error;
        const std::uint64_t size = std::filesystem::file_size(file, error);
        if (error) return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), error.message())};
        auto sent = size > settings_.part_size ? upload_in_parts(client, file, size, key)
                                               : upload_whole(client, file, size, key);
        if (!sent) return sent.error();
        if (auto there = verify_size(client, key, size); !there) return there.error();
        return size;
    }

    Result<void> upload_whole(S3Client& client, const std::filesystem::path& file, std::uint64_t size,
                              const std::string& key) const {
        const auto etag = put(client, {"PUT", key}, file, 0, size);
        return etag ? Result<void>() : Result<void>(etag.error());
    }

    /// Sends a piece of a file and compares the ETag, which it returns.
    Result<std::string> put(S3Client& client, S3Client::Call call, const std::filesystem::path& file,
                            std::uint64_t offset, std::uint64_t length) const {
        auto digest = digest_file(file, offset, length);
        if (!digest) return digest.error();
        auto source = file_source(file, offset, length);
        if (!source) return source.error();
        const std::string key = call.key;
        call.source = std::move(*source);
        call.payload_sha256 = digest->sha256;
        const auto response = client.send(std::move(call));
        if (!response) return response.error();
        if (!response->is_success())
            return s3_error(fmt::format("target {}: cannot store {}", settings_.name, key), *response);
        const std::string etag = without_quotes(response->header("etag"));
        if (is_md5(etag, *response) && etag != digest->md5) {
            return Error{Errc::io, fmt::format("target {}: {} did not arrive as it was sent (its ETag differs)",
                                               settings_.name, key)};
        }
        return etag;
    }

    Result<void> upload_in_parts(S3Client& client, const std::filesystem::path& file, std::uint64_t size,
                                 const std::string& key) const {
        const auto begun = client.send({"POST", key, {{"uploads", ""}}});
        if (!begun) return begun.error();
        const std::string upload = element(begun->body, "UploadId");
        if (!begun->is_success() || upload.empty()) {
            return s3_error(fmt::format("target {}: cannot begin to store {}", settings_.name, key), *begun);
        }
        auto completed = send_parts(client, file, size, key, upload);
        // What is not completed is kept, and paid for, until somebody aborts it.
        if (!completed) (void)client.send({"DELETE", key, {{"uploadId", upload}}});
        return completed;
    }

    Result<void> send_parts(S3Client& client, const std::filesystem::path& file, std::uint64_t size,
                            const std::string& key, const std::string& upload) const {
        const std::uint64_t part_size = std::max(settings_.part_size, (size + parts_max - 1) / parts_max);
        std::string list = "<CompleteMultipartUpload>";
        unsigned number = 0;
        for (std::uint64_t offset = 0; offset < size; offset += part_size) {
            ++number;
            S3Client::Call call{"PUT", key, {{"partNumber", std::to_string(number)}, {"uploadId", upload}}};
            const auto etag = put(client, std::move(call), file, offset, std::min(part_size, size - offset));
            if (!etag) return etag.error();
            list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>\"{}\"</ETag></Part>", number, *etag);
        }
        list += "</CompleteMultipartUpload>";
        const auto completed = client.send({"POST", key, {{"uploadId", upload}}, list});
        if (!completed) return completed.error();
        // An error may come with status 200, because the service answers before it is done.
        if (!completed->is_success() || !element(completed->body, "Code").empty()) {
            return s3_error(fmt::format("target {}: cannot finish storing {}", settings_.name, key), *completed);
        }
        return {};
    }

    Result<void> verify_size(S3Client& client, const std::string& key, std::uint64_t size) const {
        const auto response = client.send({"HEAD", key});
        if (!response) return response.error();
        if (!response->is_success())
            return s3_error(fmt::format("target {}: cannot verify {}", settings_.name, key), *response);
        if (response->header("content-length") == std::to_string(size)) return {};
        return Error{Errc::io, fmt::format("target {}: {} has {} bytes there instead of {}", settings_.name, key,
                                           response->header("content-length"), size)};
    }

    const S3Settings settings_;
};

std::string without_slashes(std::string text) {
    while (text.starts_with('/')) text.erase(0, 1);
    while (text.ends_with('/')) text.pop_back();
    return text;
}

}  // namespace

Result<std::unique_ptr<Target>> make_s3_target(const TargetConfig& target) {
    const TargetSettings values(target);
    S3Settings settings;
    settings.name = target.name;
    settings.bucket = values.text("bucket");
    settings.prefix = without_slashes(values.text("prefix"));
    settings.credentials = {values.text("access_key_id"), values.text("secret_access_key"), values.text("region")};
    settings.ca = values.text("ca_cert");
    settings.part_size = static_cast<std::uint64_t>(values.number("part_size", 64)) * mebibyte;
    if (settings.bucket.empty()) return Error{Errc::invalid, fmt::format("target {} has no `bucket`", target.name)};
    const std::string amazon = fmt::format("https://s3.{}.amazonaws.com", settings.credentials.region);
    auto endpoint = split_url(values.text("endpoint", amazon));
    if (!endpoint)
        return Error{Errc::invalid, fmt::format("target {}: endpoint: {}", target.name, endpoint.error().message)};
    settings.endpoint = std::move(*endpoint);
    // The certificate of `*.s3.REGION.amazonaws.com` does not fit a bucket with points in its name.
    settings.path_style = values.flag("path_style") || settings.bucket.find('.') != std::string::npos;
    return std::unique_ptr<Target>(std::make_unique<S3Target>(std::move(settings)));
}

}  // namespace quicksilver
