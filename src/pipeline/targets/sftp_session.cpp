#include "sftp_session.hpp"

#include "http_steps.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace quicksilver {

namespace {

constexpr long connect_timeout_s = 10;
constexpr long silence_s = 60;

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Commands = std::unique_ptr<curl_slist, FreeList>;

void append(Commands& commands, const std::string& command) {
    commands.reset(curl_slist_append(commands.release(), command.c_str()));
}

/// As libcurl's SFTP commands take a path: in double quotes, with backslashes before quotes and backslashes.
std::string in_quotes(const std::string& path) {
    std::string text = "\"";
    for (const char c : path) {
        if (c == '"' || c == '\\') text += '\\';
        text += c;
    }
    return text + "\"";
}

/// libcurl has paths from the root, and `/~/` for the home of the user.
std::string rooted(const std::string& path) {
    if (path.starts_with("/")) return path;
    return "/~/" + (path.starts_with("~/") ? path.substr(2) : path);
}

/// Percent-encoded, except for slashes and the tilde of the home.
std::string encoded(const std::string& path) {
    std::string text;
    std::string_view rest = path;
    while (!rest.empty()) {
        const std::size_t slash = rest.find('/');
        text += url_encode(rest.substr(0, slash));
        if (slash == std::string_view::npos) break;
        text += '/';
        rest.remove_prefix(slash + 1);
    }
    return text;
}

bool append_to_file(const std::filesystem::path& file, const std::string& line) {
    const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) return false;
    const ssize_t written = ::write(descriptor, line.data(), line.size());
    ::close(descriptor);
    return written == static_cast<ssize_t>(line.size());
}

}  // namespace

struct SftpSession::Handle {
    Handle(const SshSettings& given, const StopFlag& flag) : settings(given), stop(flag), curl(curl_easy_init()) {}
    ~Handle() { curl_easy_cleanup(curl); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    void prepare(const std::string& path, bool is_folder = false);
    Result<void> perform(const std::string& doing);
    Result<void> upload(HttpBodySource source, const std::string& path);
    Error error_of(CURLcode code, const std::string& doing) const;

    static int on_host_key(CURL*, const curl_khkey* known, const curl_khkey* found, curl_khmatch match, void* user);
    static std::size_t on_read(char* buffer, std::size_t size, std::size_t count, void* user);
    static int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        return static_cast<Handle*>(user)->stop ? 1 : 0;
    }
    static std::size_t ignore(char*, std::size_t size, std::size_t count, void*) { return size * count; }

    const SshSettings& settings;
    const StopFlag& stop;
    CURL* curl;
    char reason[CURL_ERROR_SIZE] = {};
    std::string host_key_problem;
    HttpBodySource* source = nullptr;
    std::optional<Error> source_error;
};

void SftpSession::Handle::prepare(const std::string& path, bool is_folder) {
    curl_easy_reset(curl);
    host_key_problem.clear();
    source_error.reset();
    reason[0] = '\0';
    const bool is_v6 = settings.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + settings.host + "]" : settings.host;
    const std::string url = fmt::format("sftp://{}:{}{}{}", host, settings.port, encoded(rooted(path)),
                                        is_folder && path != "/" ? "/" : "");
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_USERNAME, settings.user.c_str());
    long methods = CURLSSH_AUTH_NONE;
    if (!settings.password.empty()) {
        curl_easy_setopt(curl, CURLOPT_PASSWORD, settings.password.c_str());
        methods |= CURLSSH_AUTH_PASSWORD | CURLSSH_AUTH_KEYBOARD;
    }
    if (!settings.private_key.empty()) {
        curl_easy_setopt(curl, CURLOPT_SSH_PRIVATE_KEYFILE, settings.private_key.c_str());
        methods |= CURLSSH_AUTH_PUBLICKEY;
    }
    curl_easy_setopt(curl, CURLOPT_SSH_AUTH_TYPES, methods);
    curl_easy_setopt(curl, CURLOPT_SSH_KNOWNHOSTS, settings.known_hosts.c_str());
    curl_easy_setopt(curl, CURLOPT_SSH_KEYFUNCTION, &Handle::on_host_key);
    curl_easy_setopt(curl, CURLOPT_SSH_KEYDATA, this);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_timeout_s);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, silence_s);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &Handle::on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Handle::ignore);
}

/// A known host must show the key that we know; an unknown one is taken at its word the first time, if that is wanted.
int SftpSession::Handle::on_host_key(CURL*, const curl_khkey* known, const curl_khkey* found, curl_khmatch match,
                                     void* user) {
    auto& self = *static_cast<Handle*>(user);
    const SshSettings& settings = self.settings;
    if (match == CURLKHMATCH_OK) return CURLKHSTAT_FINE;
    if (match == CURLKHMATCH_MISMATCH || known != nullptr) {
        self.host_key_problem = fmt::format(
            "the host key of {} is not the one in {}; either the host was set up anew, or "
            "somebody is in between",
            settings.host, settings.known_hosts.string());
        return CURLKHSTAT_REJECT;
    }
    if (!settings.trust_on_first_use) {
        self.host_key_problem = fmt::format("the host key of {} is not in {}, and trust_on_first_use is off",
                                            settings.host, settings.known_hosts.string());
        return CURLKHSTAT_REJECT;
    }
    const std::size_t length = found->len != 0 ? found->len : std::strlen(found->key);
    const std::string line = known_hosts_line(settings.host, settings.port, std::string_view(found->key, length));
    if (!line.empty() && append_to_file(settings.known_hosts, line)) return CURLKHSTAT_FINE;
    self.host_key_problem =
        fmt::format("the host key of {} cannot be written to {}", settings.host, settings.known_hosts.string());
    return CURLKHSTAT_REJECT;
}

std::size_t SftpSession::Handle::on_read(char* buffer, std::size_t size, std::size_t count, void* user) {
    auto& self = *static_cast<Handle*>(user);
    const auto got = self.source->read(buffer, size * count);
    if (got) return *got;
    self.source_error = got.error();
    return CURL_READFUNC_ABORT;
}

Result<void> SftpSession::Handle::perform(const std::string& doing) {
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) return {};
    if (source_error) return *source_error;
    return error_of(code, doing);
}

Error SftpSession::Handle::error_of(CURLcode code, const std::string& doing) const {
    const auto error = [&](Errc kind, std::string_view why) {
        return Error{kind, fmt::format("target {}: cannot {} on {}: {}", settings.target, doing, settings.host, why)};
    };
    if (!host_key_problem.empty()) return error(Errc::refused, host_key_problem);
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return error(Errc::network, "its address cannot be found");
        case CURLE_COULDNT_CONNECT:
            return error(Errc::network, "cannot connect");
        case CURLE_OPERATION_TIMEDOUT:
            return error(Errc::timed_out, "no answer in time");
        case CURLE_ABORTED_BY_CALLBACK:
            return error(Errc::cancelled, "stopped");
        case CURLE_LOGIN_DENIED:
            return error(Errc::refused, fmt::format("it does not let {} log in", settings.user));
        case CURLE_PEER_FAILED_VERIFICATION:
            return error(Errc::refused, "its host key is refused");
        case CURLE_REMOTE_DISK_FULL:
            return error(Errc::no_space, "its disk is full");
        case CURLE_REMOTE_ACCESS_DENIED:
            return error(Errc::refused, fmt::format("{} may not", settings.user));
        case CURLE_REMOTE_FILE_NOT_FOUND:
            return error(Errc::refused, "there is no such file or folder");
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_GOT_NOTHING:
            return error(Errc::network, "the connection broke");
        default:
            return error(code == CURLE_SSH ? Errc::network : Errc::io,
                         reason[0] != '\0' ? reason : curl_easy_strerror(code));
    }
}

Result<void> SftpSession::Handle::upload(HttpBodySource body, const std::string& path) {
    const std::string part = path + ".part";
    prepare(part);
    source = &body;
    Commands rename;
    // SFTP as libssh2 speaks it does not rename over a file. The asterisk: a failure is fine.
    append(rename, "*rm " + in_quotes(rooted(path)));
    append(rename, fmt::format("rename {} {}", in_quotes(rooted(part)), in_quotes(rooted(path))));
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Handle::on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, this);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*body.length));
    curl_easy_setopt(curl, CURLOPT_FTP_CREATE_MISSING_DIRS, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTQUOTE, rename.get());
    auto done = perform("write " + path);
    source = nullptr;
    return done;
}

SftpSession::SftpSession(const SshSettings& settings, const StopFlag& stop)
    : handle_(std::make_unique<Handle>(settings, stop)) {}

SftpSession::~SftpSession() = default;

Result<std::uint64_t> SftpSession::put_file(const std::filesystem::path& file, const std::string& path) {
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(file, error);
    if (error) return Error{Errc::io, fmt::format("cannot read {}: {}", file.string(), error.message())};
    auto source = file_source(file, 0, size);
    if (!source) return source.error();
    if (auto done = handle_->upload(std::move(*source), path); !done) return done.error();
    return size;
}

Result<void> SftpSession::put_text(std::string_view text, const std::string& path) {
    HttpBodySource source;
    source.length = text.size();
    source.read = [text](char* buffer, std::size_t size) mutable -> Result<std::size_t> {
        const std::size_t count = std::min(size, text.size());
        std::memcpy(buffer, text.data(), count);
        text.remove_prefix(count);
        return count;
    };
    return handle_->upload(std::move(source), path);
}

Result<void> SftpSession::remove(const std::string& path) {
    handle_->prepare("/", true);
    Commands commands;
    append(commands, "rm " + in_quotes(rooted(path)));
    curl_easy_setopt(handle_->curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle_->curl, CURLOPT_QUOTE, commands.get());
    return handle_->perform("remove " + path);
}

Result<void> SftpSession::list(const std::string& folder) {
    handle_->prepare(folder, true);
    curl_easy_setopt(handle_->curl, CURLOPT_DIRLISTONLY, 1L);
    return handle_->perform("read " + folder);
}

}  // namespace quicksilver
