#include "quicksilver/dicom/tag_reader.hpp"

#include "builtin_targets.hpp"
#include "http_steps.hpp"
#include "settings.hpp"
#include "xnat_label.hpp"
#include "zip_stream.hpp"

#include <fmt/format.h>

namespace quicksilver {

namespace {

struct XnatSettings {
    std::string name, project, user, password;
    UrlParts url;
    std::filesystem::path ca;
};

std::string xnat_hint(const Error& error) {
    if (error.message.find("status 403") != std::string::npos) {
        return "the user must be a member or owner of the project, and `project_id` its ID, not its title";
    }
    return http_hint(error);
}

/// A session on the server, so that it does not check the password for every request; ended with this object.
class XnatSession {
public:
    static Result<XnatSession> open(const XnatSettings& settings, const StopFlag& stop) {
        XnatSession session(settings, stop);
        HttpRequest request = session.request("/data/JSESSION");
        request.user = settings.user;
        request.password = settings.password;
        const auto response = session.client_.send(request);
        if (!response) return session.named(response.error());
        if (!response->is_success()) return status_error(session.doing("logging in"), *response);
        session.id_ = response->body.substr(0, response->body.find_first_of("\r\n"));
        // A page for people instead of an ID: not XNAT, or one that is being set up.
        const bool is_id = !session.id_.empty() && session.id_.find_first_of("<> ;") == std::string::npos;
        if (!is_id) return Error{Errc::refused, session.doing("logging in") + ": the answer is no session of XNAT"};
        return session;
    }
    XnatSession(XnatSession&&) = default;
    XnatSession& operator=(XnatSession&&) = delete;
    ~XnatSession() {
        if (id_.empty()) return;
        HttpRequest end = request("/data/JSESSION");
        end.method = "DELETE";
        end.total_timeout = std::chrono::seconds(5);
        (void)client_.send(end);
    }

    HttpRequest request(const std::string& path) const {
        HttpRequest request;
        request.url = settings_->url.origin() + settings_->url.path + path;
        if (!id_.empty()) request.headers.emplace_back("Cookie", "JSESSIONID=" + id_);
        request.tls.ca = settings_->ca;
        request.stop = stop_;
        return request;
    }

    Result<HttpResponse> send(const HttpRequest& request) {
        auto response = client_.send(request);
        if (!response) response = named(response.error());
        return response;
    }

    std::string doing(const char* what) const { return fmt::format("target {}: {}", settings_->name, what); }

private:
    XnatSession(const XnatSettings& settings, const StopFlag& stop) : settings_(&settings), stop_(&stop) {}
    Error named(const Error& error) const {
        return Error{error.code, fmt::format("target {}: {}", settings_->name, error.message)};
    }

    const XnatSettings* settings_;
    const StopFlag* stop_;
    HttpClient client_;
    std::string id_;
};

/// XNAT: all instances of the task as one ZIP archive, streamed to the import service, into one session of the project.
class XnatTarget final : public Target {
public:
    explicit XnatTarget(XnatSettings settings) : settings_(std::move(settings)) {}

    Result<Receipt> send(const Delivery& delivery, const Progress& progress, const StopFlag& stop) override {
        if (delivery.instances.empty()) {
            return Error{Errc::invalid,
                         fmt::format("target {} takes DICOM instances, and the task has none", settings_.name)};
        }
        auto session = XnatSession::open(settings_, stop);
        if (!session) return session.error();
        ZipStream zip(entries_of(delivery.instances));
        HttpRequest request = session->request("/data/services/import?" + query_for(delivery.instances.front()));
        request.method = "POST";
        request.headers.emplace_back("Content-Type", "application/zip");
        request.source = zip.source();
        // XNAT unpacks and files everything before it answers.
        request.idle_timeout = std::chrono::minutes(10);
        const auto response = session->send(request);
        if (!response) return response.error();
        const std::string doing = session->doing("importing");
        if (!response->is_success()) return status_error(doing, *response);
        // The answer lists what was made; without one nothing was.
        if (response->body.find("/data/") == std::string::npos) {
            return Error{Errc::refused, doing + ": the import made no session; XNAT's log of the import says why"};
        }
        return confirm(delivery, progress);
    }

    void test(TargetTest& test) override {
        if (!test_http_server(test, settings_.url, settings_.ca)) return;
        std::optional<XnatSession> session;
        const auto log_in = [&]() -> Result<std::string> {
            auto opened = XnatSession::open(settings_, test.stop());
            if (!opened) return opened.error();
            session.emplace(std::move(*opened));
            return fmt::format("logged in as {}", settings_.user);
        };
        if (!test.step("auth", log_in, xnat_hint) || !test.is_full()) return;
        const auto find = [&]() -> Result<std::string> {
            const auto response = session->send(
                session->request(fmt::format("/data/projects/{}?format=json", url_encode(settings_.project))));
            if (!response) return response.error();
            if (!response->is_success()) return status_error(session->doing("finding the project"), *response);
            return fmt::format("the project {} is there", settings_.project);
        };
        test.step("project", find, xnat_hint);
    }

private:
    /// mercure's names: `0.dcm`, `1.dcm` …
    static ZipStream::Entries entries_of(const std::vector<std::filesystem::path>& instances) {
        ZipStream::Entries entries;
        for (std::size_t i = 0; i < instances.size(); ++i) entries.emplace_back(fmt::format("{}.dcm", i), instances[i]);
        return entries;
    }

    std::string query_for(const std::filesystem::path& instance) const {
        const auto value = [&instance](const char* tag) { return dicom::read_element(instance, tag).value_or(""); };
        const std::string subject = xnat_label(value("PatientID"));
        const std::string session =
            xnat_session_label(value("PatientID"), value("StudyDate"), value("StudyInstanceUID"));
        return fmt::format(
            "import-handler=DICOM-zip&PROJECT_ID={}&SUBJECT_ID={}&EXPT_LABEL={}&rename=true&overwrite=delete&inbody="
            "true",
            url_encode(settings_.project), url_encode(subject), url_encode(session));
    }

    /// The archive is taken whole or not at all.
    static Receipt confirm(const Delivery& delivery, const Progress& progress) {
        Receipt receipt;
        for (const std::filesystem::path& file : delivery.instances) {
            std::error_code ignored;
            const auto size = std::filesystem::file_size(file, ignored);
            if (!ignored) receipt.bytes += size;
            ++receipt.instances;
            const std::string name = file.filename();
            if (!delivery.confirmed.contains(name)) progress(name, 0);
        }
        return receipt;
    }

    const XnatSettings settings_;
};

}  // namespace

Result<std::unique_ptr<Target>> make_xnat_target(const TargetConfig& target) {
    const TargetSettings values(target);
    auto url = split_url(values.text("host"));
    if (!url) return Error{Errc::invalid, fmt::format("target {}: host: {}", target.name, url.error().message)};
    return std::unique_ptr<Target>(
        std::make_unique<XnatTarget>(XnatSettings{target.name, values.text("project_id"), values.text("user"),
                                                  values.text("password"), std::move(*url), values.text("ca_cert")}));
}

}  // namespace quicksilver
