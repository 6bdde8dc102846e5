#include "quicksilver/core/dicom_uid.hpp"
#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/dicom/file_meta.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "builtin_targets.hpp"
#include "http_steps.hpp"
#include "settings.hpp"
#include "stow_answer.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>

namespace quicksilver {

namespace {

namespace fs = std::filesystem;

constexpr double bytes_per_mb = 1e6;

struct Instance {
    fs::path file;
    std::uint64_t bytes = 0;
    std::string uid;
};

/// `multipart/related` with one part an instance, made while it is sent (PS3.18 §8.6.1).
class MultipartBody {
public:
    explicit MultipartBody(std::vector<Instance> instances)
        : instances_(std::move(instances)), boundary_("quicksilver-" + make_task_id()) {}

    std::string content_type() const {
        return fmt::format("multipart/related; type=\"application/dicom\"; boundary={}", boundary_);
    }

    HttpBodySource source() {
        std::uint64_t length = end().size();
        for (const Instance& instance : instances_) length += head().size() + instance.bytes;
        HttpBodySource source;
        source.length = length;
        source.read = [this](char* buffer, std::size_t size) { return read(buffer, size); };
        return source;
    }

private:
    // The line break before a boundary belongs to the boundary; one before the first does no harm (RFC 2046 §5.1.1).
    std::string head() const { return fmt::format("\r\n--{}\r\nContent-Type: application/dicom\r\n\r\n", boundary_); }
    std::string end() const { return fmt::format("\r\n--{}--\r\n", boundary_); }

    Result<std::size_t> read(char* buffer, std::size_t size) {
        for (;;) {
            if (!text_.empty()) {
                const std::size_t count = std::min(size, text_.size());
                std::memcpy(buffer, text_.data(), count);
                text_.erase(0, count);
                return count;
            }
            if (file_) {
                auto got = file_->read(buffer, size);
                if (!got || *got > 0) return got;
                file_.reset();
            }
            if (next_ > instances_.size()) return std::size_t{0};
            if (next_ == instances_.size()) {
                text_ = end();
            } else {
                text_ = head();
                auto file = file_source(instances_[next_].file, 0, instances_[next_].bytes);
                if (!file) return file.error();
                file_ = std::move(*file);
            }
            ++next_;
        }
    }

    std::vector<Instance> instances_;
    std::string boundary_;
    std::size_t next_ = 0;
    std::string text_;
    std::optional<HttpBodySource> file_;
};

struct DicomwebSettings {
    std::string name;
    UrlParts url;
    std::string stow_path, qido_path;
    std::string user, password, token;
    fs::path ca;
    std::uint64_t request_bytes = 64'000'000;
};

/// STOW-RS: instances go in requests of about `request_size`, streamed from disk; the answer is read instance by
/// instance, so that only what failed is sent again.
class DicomwebTarget final : public Target {
public:
    explicit DicomwebTarget(DicomwebSettings settings) : settings_(std::move(settings)) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (delivery.instances.empty()) {
            return Error{Errc::invalid,
                         fmt::format("target {} takes DICOM instances, and the task has none", settings_.name)};
        }
        std::vector<Instance> instances;
        for (const fs::path& file : delivery.instances) {
            if (delivery.confirmed.contains(file.filename().string())) continue;
            auto instance = look_at(file);
            if (!instance) return instance.error();
            instances.push_back(std::move(*instance));
        }
        HttpClient client;
        Sent sent;
        for (auto begin = instances.begin(); begin != instances.end();) {
            auto end = begin;
            std::uint64_t bytes = 0;
            while (end != instances.end() && (end == begin || bytes + end->bytes <= settings_.request_bytes)) {
                bytes += end->bytes;
                ++end;
            }
            if (auto stored = store(client, {begin, end}, progress, stop, sent); !stored) return stored.error();
            begin = end;
        }
        if (sent.failed == 0) return sent.receipt;
        return Error{Errc::refused, fmt::format("{} of {} instances were not stored by {}; the first: {}", sent.failed,
                                                instances.size(), settings_.name, sent.first_failure)};
    }

    void test(TargetTest& test) override {
        if (!test_http_server(test, settings_.url, settings_.ca)) return;
        const auto ask = [&]() -> Result<std::string> {
            HttpRequest request = request_to(settings_.qido_path + "/studies?limit=1", test.stop());
            request.headers = {{"Accept", "application/dicom+json"}};
            const auto response = HttpClient().send(request);
            if (!response) return response.error();
            if (response->is_success()) return std::string("answers a query for one study");
            // A service need not offer queries to take images, but it must let us in.
            const bool let_in = response->status != 401 && response->status != 403;
            if (let_in && response->status < 500)
                return fmt::format("lets us in; does not answer queries (HTTP status {})", response->status);
            return status_error(fmt::format("target {}: query for one study", settings_.name), *response);
        };
        test.step("auth", ask, http_hint);
    }

private:
    struct Sent {
        Receipt receipt;
        std::size_t failed = 0;
        std::string first_failure;
    };

    static Result<Instance> look_at(const fs::path& file) {
        Instance instance;
        instance.file = file;
        std::error_code error;
        instance.bytes = fs::file_size(file, error);
        if (error) return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), error.message())};
        const auto meta = dicom::read_file_meta(file);
        if (!meta) return meta.error();
        instance.uid = meta->sop_instance_uid;
        return instance;
    }

    HttpRequest request_to(const std::string& path, const StopFlag& stop) const {
        HttpRequest request;
        request.url = settings_.url.origin() + settings_.url.path + path;
        request.user = settings_.user;
        request.password = settings_.password;
        if (settings_.user.empty()) request.bearer_token = settings_.token;
        request.tls.ca = settings_.ca;
        request.stop = &stop;
        return request;
    }

    Result<void> store(HttpClient& client, const std::vector<Instance>& instances, const Progress& progress,
                       const StopFlag& stop, Sent& sent) const {
        MultipartBody body(instances);
        HttpRequest request = request_to(settings_.stow_path + "/studies", stop);
        request.method = "POST";
        request.headers = {{"Content-Type", body.content_type()}, {"Accept", "application/dicom+json"}};
        request.source = body.source();
        const auto response = client.send(request);
        if (!response)
            return Error{response.error().code, fmt::format("target {}: {}", settings_.name, response.error().message)};
        const std::string doing = fmt::format("target {}: storing {} instances", settings_.name, instances.size());
        // 409: none was stored, and the body says why. Other failures are of the request, not of its instances.
        if (!response->is_success() && response->status != 409) return status_error(doing, *response);
        const auto answer = parse_stow_answer(response->body);
        if (!answer && response->status == 409) return status_error(doing, *response);
        if (!answer) return Error{Errc::refused, fmt::format("{}: {}", doing, answer.error().message)};
        for (const Instance& instance : instances) note(instance, *answer, progress, sent);
        return {};
    }

    static void note(const Instance& instance, const StowAnswer& answer, const Progress& progress, Sent& sent) {
        const auto stored = answer.stored.find(instance.uid);
        if (stored != answer.stored.end()) {
            ++sent.receipt.instances;
            sent.receipt.bytes += instance.bytes;
            if (stored->second != 0) ++sent.receipt.warnings;
            progress(instance.file.filename().string(), stored->second);
            return;
        }
        if (sent.failed++ > 0) return;
        const auto failed = answer.failed.find(instance.uid);
        const std::uint16_t reason = failed != answer.failed.end() ? failed->second : answer.other_failure;
        sent.first_failure = fmt::format("{}: {}", instance.file.filename().string(),
                                         reason != 0 ? stow_failure_text(reason) : "the answer does not mention it");
    }

    const DicomwebSettings settings_;
};

/// `file:///folder`: mercure's folder form of DICOMweb, with a tree of studies, series and instances.
class DicomwebFolder final : public Target {
public:
    DicomwebFolder(std::string name, fs::path folder, FileOps& ops)
        : name_(std::move(name)), folder_(std::move(folder)), ops_(ops) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (auto there = check_folder(); !there) return there.error();
        Receipt receipt;
        for (const fs::path& file : delivery.instances) {
            const std::string name = file.filename();
            if (delivery.confirmed.contains(name)) continue;
            if (stop) return Error{Errc::cancelled, "stopped while writing to " + folder_.string()};
            auto bytes = store(file);
            if (!bytes) return bytes.error();
            receipt.bytes += *bytes;
            ++receipt.instances;
            progress(name, 0);
        }
        return receipt;
    }

    void test(TargetTest& test) override {
        const auto look = [this]() -> Result<std::string> {
            if (auto there = check_folder(); !there) return there.error();
            return fmt::format("{} is there", folder_.string());
        };
        test.step("folder", look, "make it, or mount the share");
        if (!test.is_full()) return;
        const auto write = [this]() -> Result<std::string> {
            const fs::path probe = folder_ / (".quicksilver-test-" + make_task_id());
            if (auto written = write_durably(ops_, probe, "test\n"); !written) return written.error();
            if (auto removed = ops_.unlink(probe); !removed) return removed.error();
            return fmt::format("{} can be written to", folder_.string());
        };
        test.step("write", write, "give the user of this server the right to write there");
    }

private:
    Result<void> check_folder() const {
        std::error_code error;
        if (fs::is_directory(folder_, error)) return {};
        return Error{Errc::not_found,
                     fmt::format("target {}: {} is not a folder; make it, or mount it", name_, folder_.string())};
    }

    Result<std::uint64_t> store(const fs::path& file) const {
        const auto meta = dicom::read_file_meta(file);
        if (!meta) return meta.error();
        const std::string study = dicom::read_element(file, "StudyInstanceUID").value_or("");
        const std::string series = dicom::read_element(file, "SeriesInstanceUID").value_or("");
        for (const std::string& uid : {study, series, meta->sop_instance_uid}) {
            if (is_file_safe_uid(uid)) continue;
            return Error{Errc::invalid,
                         fmt::format("{} lacks a study, series or instance UID", file.filename().string())};
        }
        const fs::path place = folder_ / "studies" / study / "series" / series / "instances";
        if (auto made = make_folders(ops_, place); !made) return made.error();
        const fs::path part = place / part_name(meta->sop_instance_uid);
        if (auto removed = ops_.unlink(part); !removed) return removed.error();
        if (auto copied = copy_file(ops_, file, part); !copied) return copied.error();
        if (auto renamed = ops_.rename(part, place / meta->sop_instance_uid); !renamed) return renamed.error();
        if (auto synced = ops_.sync_folder(place); !synced) return synced.error();
        std::error_code ignored;
        return std::uint64_t{fs::file_size(file, ignored)};
    }

    const std::string name_;
    const fs::path folder_;
    FileOps& ops_;
};

std::string path_with(std::string prefix) {
    while (prefix.starts_with('/')) prefix.erase(0, 1);
    while (prefix.ends_with('/')) prefix.pop_back();
    return prefix.empty() ? prefix : "/" + prefix;
}

}  // namespace

Result<std::unique_ptr<Target>> make_dicomweb_target(const TargetConfig& target, FileOps& ops) {
    const TargetSettings values(target);
    const std::string url = values.text("url");
    constexpr std::string_view file_scheme = "file://";
    if (url.starts_with(file_scheme)) {
        return std::unique_ptr<Target>(
            std::make_unique<DicomwebFolder>(target.name, url.substr(file_scheme.size()), ops));
    }
    auto parts = split_url(url);
    if (!parts) return Error{Errc::invalid, fmt::format("target {}: url: {}", target.name, parts.error().message)};
    DicomwebSettings settings;
    settings.name = target.name;
    settings.url = std::move(*parts);
    settings.stow_path = path_with(values.text("stow_url_prefix"));
    settings.qido_path = path_with(values.text("qido_url_prefix"));
    settings.user = values.text("http_user");
    settings.password = values.text("http_password");
    settings.token = values.text("access_token");
    settings.ca = values.text("ca_cert");
    settings.request_bytes = static_cast<std::uint64_t>(values.number("request_size", 64) * bytes_per_mb);
    return std::unique_ptr<Target>(std::make_unique<DicomwebTarget>(std::move(settings)));
}

}  // namespace quicksilver
