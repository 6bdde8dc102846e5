#include "docker_engine.hpp"

#include "log_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <utility>

namespace quicksilver {

namespace fs = std::filesystem;

namespace {

// The newest API whose answers we have read; engines speak older ones too.
constexpr std::string_view newest_api = "1.47";

using Json = DockerEngine::Json;

/// 1.41 → {1, 41}
std::pair<int, int> version_numbers(std::string_view version) {
    std::pair<int, int> numbers{0, 0};
    const auto point = version.find('.');
    const auto read = [](std::string_view text, int& number) {
        std::from_chars(text.data(), text.data() + text.size(), number);
    };
    read(version.substr(0, point), numbers.first);
    if (point != std::string_view::npos) read(version.substr(point + 1), numbers.second);
    return numbers;
}

std::string text_of(const Json& object, const char* key) {
    if (!object.is_object()) return "";
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The engine's own words for a refusal.
std::string message_of(const HttpResponse& response) {
    const Json json = Json::parse(response.body, nullptr, false);
    std::string message = text_of(json, "message");
    if (message.empty()) message = text_of(json, "cause");
    if (message.empty()) message = response.body.substr(0, 300);
    while (!message.empty() && message.back() == '\n') message.pop_back();
    return message;
}

Errc code_of(int status) {
    if (status == 404) return Errc::not_found;
    return status == 409 ? Errc::already_exists : Errc::refused;
}

Error refusal(const HttpResponse& response) {
    return Error{code_of(response.status),
                 fmt::format("the container engine says: {} (status {})", message_of(response), response.status)};
}

}  // namespace

Result<EngineAddress> parse_engine_address(std::string_view host, const fs::path& certificates) {
    EngineAddress address;
    if (!host.empty()) address.shown = host;
    if (host.empty()) return address;
    const auto scheme_end = host.find("://");
    const std::string_view scheme = host.substr(0, scheme_end);
    if (scheme_end == std::string_view::npos) {
        return Error{Errc::invalid, fmt::format("'{}' is no address of a container engine: write unix:///path or "
                                                "tcp://host:port",
                                                host)};
    }
    std::string_view rest = host.substr(scheme_end + 3);
    while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
    if (scheme == "unix") {
        address.unix_socket = rest;
        if (!address.unix_socket.is_absolute()) {
            return Error{Errc::invalid, fmt::format("'{}': a socket needs its whole path, unix:///path", host)};
        }
        return address;
    }
    if ((scheme != "tcp" && scheme != "http" && scheme != "https") || rest.empty()) {
        return Error{Errc::invalid,
                     fmt::format("'{}': only unix://, tcp://, http:// and https:// engines can be used", host)};
    }
    const bool encrypted = scheme == "https" || (scheme == "tcp" && !certificates.empty());
    address.unix_socket.clear();
    address.url = fmt::format("{}://{}", encrypted ? "https" : "http", rest);
    if (encrypted && !certificates.empty()) {
        address.tls.ca = certificates / "ca.pem";
        address.tls.certificate = certificates / "cert.pem";
        address.tls.key = certificates / "key.pem";
    }
    return address;
}

std::string choose_api_version(std::string_view lowest, std::string_view highest) {
    if (version_numbers(newest_api) > version_numbers(highest)) return std::string(highest);
    if (version_numbers(newest_api) < version_numbers(lowest)) return std::string(lowest);
    return std::string(newest_api);
}

ImageName parse_image_name(std::string_view image) {
    ImageName name;
    const auto slash = image.find('/');
    const std::string_view first = image.substr(0, slash);
    const bool has_registry =
        slash != std::string_view::npos && (first.find('.') != std::string_view::npos ||
                                            first.find(':') != std::string_view::npos || first == "localhost");
    name.registry = has_registry ? std::string(first) : "docker.io";
    if (const auto digest = image.find('@'); digest != std::string_view::npos) {
        name.is_digest = true;
        name.tag = image.substr(digest + 1);
        image = image.substr(0, digest);
    }
    const auto colon = image.rfind(':');
    const bool has_tag = colon != std::string_view::npos && image.substr(colon).find('/') == std::string_view::npos;
    if (has_tag && !name.is_digest) name.tag = image.substr(colon + 1);
    name.repository = has_tag ? image.substr(0, colon) : image;
    if (name.tag.empty()) name.tag = "latest";
    return name;
}

HttpRequest DockerEngine::request(std::string method, const std::string& path, const StopFlag* stop) const {
    std::string prefix;
    {
        const std::lock_guard lock(mutex_);
        if (!version_.empty()) prefix = "/v" + version_;
    }
    HttpRequest request;
    request.method = std::move(method);
    request.url = address_.url + prefix + path;
    request.unix_socket = address_.unix_socket;
    request.tls = address_.tls;
    request.stop = stop;
    return request;
}

Result<HttpResponse> DockerEngine::call(const HttpRequest& request) const {
    HttpClient client;
    auto response = client.send(request);
    if (response && response->status >= 400) return refusal(*response);
    if (!response && response.error().code == Errc::network) {
        return Error{Errc::network, fmt::format("the container engine at {} cannot be reached: {}", address_.shown,
                                                response.error().message)};
    }
    return response;
}

Result<Json> DockerEngine::call_for_json(const HttpRequest& request) const {
    auto response = call(request);
    if (!response) return response.error();
    Json json = Json::parse(response->body, nullptr, false);
    if (json.is_discarded()) {
        return Error{Errc::refused, fmt::format("{} is no container engine: its answer is no JSON", address_.shown)};
    }
    return json;
}

Result<void> DockerEngine::call_for_nothing(const HttpRequest& request) const {
    const auto response = call(request);
    if (!response) return response.error();
    return {};
}

Result<EngineInfo> DockerEngine::connect(const StopFlag* stop) {
    {
        const std::lock_guard lock(mutex_);
        version_.clear();  // it may be another engine by now
    }
    HttpRequest ask = request("GET", "/version", stop);
    ask.idle_timeout = std::chrono::seconds(10);
    auto version = call_for_json(ask);
    if (!version) return version.error();
    const std::string highest = text_of(*version, "ApiVersion");
    if (highest.empty()) {
        return Error{Errc::refused, fmt::format("{} is no container engine: it names no API version", address_.shown)};
    }
    const std::string lowest = text_of(*version, "MinAPIVersion");
    EngineInfo info;
    info.version = choose_api_version(lowest, highest);
    for (const Json& component : version->value("Components", Json::array())) {
        if (text_of(component, "Name").starts_with("Podman")) info.is_podman = true;
    }
    info.name = fmt::format("{} {}", info.is_podman ? "Podman" : "Docker", text_of(*version, "Version"));
    {
        const std::lock_guard lock(mutex_);
        version_ = info.version;
    }
    ask = request("GET", "/info", stop);
    ask.idle_timeout = std::chrono::seconds(10);
    const auto details = call_for_json(ask);
    if (!details) return details.error();
    for (const Json& option : details->value("SecurityOptions", Json::array())) {
        if (option.is_string() && option.get<std::string>().find("name=rootless") != std::string::npos) {
            info.rootless = true;
        }
    }
    return info;
}

Result<std::string> DockerEngine::create(const std::string& name, const Json& body) {
    HttpRequest ask = request("POST", "/containers/create?name=" + url_encode(name));
    ask.headers = {{"Content-Type", "application/json"}};
    ask.body = body.dump();
    ask.idle_timeout = std::chrono::minutes(5);
    auto made = call_for_json(ask);
    if (!made) return made.error();
    return text_of(*made, "Id");
}

Result<void> DockerEngine::start(const std::string& id) {
    HttpRequest ask = request("POST", "/containers/" + url_encode(id) + "/start");
    ask.idle_timeout = std::chrono::minutes(5);
    return call_for_nothing(ask);
}

Result<Json> DockerEngine::inspect(const std::string& id) {
    return call_for_json(request("GET", "/containers/" + url_encode(id) + "/json"));
}

Result<Json> DockerEngine::list(const Json& filters) {
    return call_for_json(request("GET", "/containers/json?all=true&filters=" + url_encode(filters.dump())));
}

Result<void> DockerEngine::stop(const std::string& id, unsigned seconds) {
    HttpRequest ask = request("POST", fmt::format("/containers/{}/stop?t={}", url_encode(id), seconds));
    ask.idle_timeout = std::chrono::seconds(seconds + 60);
    return call_for_nothing(ask);
}

Result<void> DockerEngine::kill(const std::string& id, const std::string& signal) {
    return call_for_nothing(
        request("POST", fmt::format("/containers/{}/kill?signal={}", url_encode(id), url_encode(signal))));
}

Result<void> DockerEngine::remove(const std::string& id) {
    HttpRequest ask = request("DELETE", fmt::format("/containers/{}?force=true&v=true", url_encode(id)));
    ask.idle_timeout = std::chrono::minutes(5);
    auto removed = call_for_nothing(ask);
    if (!removed && removed.error().code == Errc::not_found) return {};
    // Somebody else is removing it just now.
    if (!removed && removed.error().code == Errc::already_exists) return {};
    return removed;
}

Result<int> DockerEngine::wait(const std::string& id, const StopFlag& stop) {
    HttpRequest ask = request("POST", "/containers/" + url_encode(id) + "/wait", &stop);
    ask.idle_timeout = std::chrono::milliseconds(0);
    auto ended = call_for_json(ask);
    if (!ended) return ended.error();
    const auto status = ended->find("StatusCode");
    if (status == ended->end() || !status->is_number_integer()) {
        return Error{Errc::refused, "the container engine does not say how the container ended"};
    }
    return status->get<int>();
}

Result<void> DockerEngine::follow_logs(const std::string& id, const std::string& since, const StopFlag& stop,
                                       const std::function<void(std::string_view)>& lines) {
    return logs(id, "follow=true&", since, stop, lines);
}

Result<void> DockerEngine::read_logs(const std::string& id, const std::string& since, const StopFlag& stop,
                                     const std::function<void(std::string_view)>& lines) {
    return logs(id, "", since, stop, lines);
}

Result<void> DockerEngine::logs(const std::string& id, std::string_view how, const std::string& since,
                                const StopFlag& stop, const std::function<void(std::string_view)>& lines) {
    std::string path =
        fmt::format("/containers/{}/logs?{}stdout=true&stderr=true&timestamps=true", url_encode(id), how);
    if (!since.empty()) path += "&since=" + url_encode(since);
    HttpRequest ask = request("GET", path, &stop);
    ask.idle_timeout = std::chrono::milliseconds(0);
    LogStream stream(lines);
    bool readable = true;
    ask.sink = [&](std::string_view bytes) { return readable = stream.feed(bytes); };
    const auto followed = call(ask);
    stream.finish();
    if (!readable) return Error{Errc::refused, "the container engine's log stream cannot be read"};
    if (!followed) return followed.error();
    return {};
}

Result<std::string> DockerEngine::archive(const std::string& id, const std::string& path, std::size_t bytes_max) {
    HttpRequest ask = request("GET", fmt::format("/containers/{}/archive?path={}", url_encode(id), url_encode(path)));
    ask.body_max = bytes_max;
    auto tar = call(ask);
    if (!tar) return tar.error();
    return std::move(tar->body);
}

Result<void> DockerEngine::pull(const std::string& image, const std::string& auth, const StopFlag& stop,
                                const ModuleImages::Progress& told) {
    const ImageName name = parse_image_name(image);
    HttpRequest ask = request(
        "POST", fmt::format("/images/create?fromImage={}&tag={}", url_encode(name.repository), url_encode(name.tag)),
        &stop);
    if (!auth.empty()) ask.headers = {{"X-Registry-Auth", auth}};
    // While a layer is unpacked, the engine may say nothing for a long time.
    ask.idle_timeout = std::chrono::minutes(10);
    PullProgress progress;
    ask.sink = [&](std::string_view bytes) {
        if (!progress.feed(bytes)) return false;
        if (told) told(progress.now());
        return true;
    };
    const auto pulled = call(ask);
    if (!progress.error().empty()) {
        return Error{Errc::refused, fmt::format("image {} cannot be pulled: {}", image, progress.error())};
    }
    if (!pulled) return pulled.error();
    return {};
}

Result<Json> DockerEngine::inspect_image(const std::string& image) {
    // Slashes of a name stay: the engine takes all of the path as the name.
    std::string path;
    for (const char c : image) path += c == '/' ? std::string("/") : url_encode(std::string_view(&c, 1));
    return call_for_json(request("GET", "/images/" + path + "/json"));
}

Result<Json> DockerEngine::list_images(const StopFlag& stop) {
    return call_for_json(request("GET", "/images/json", &stop));
}

Result<std::vector<std::string>> DockerEngine::load(const fs::path& tar, const StopFlag& stop,
                                                    const ModuleImages::Progress& told) {
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, Close> file(std::fopen(tar.c_str(), "rb"));
    if (!file) return Error{Errc::not_found, fmt::format("cannot read {}", tar.string())};
    HttpRequest ask = request("POST", "/images/load", &stop);
    ask.headers = {{"Content-Type", "application/x-tar"}};
    ask.idle_timeout = std::chrono::minutes(10);
    HttpBodySource source;
    std::error_code ignored;
    if (const auto size = fs::file_size(tar, ignored); !ignored) source.length = size;
    ImageProgress sent{0, source.length.value_or(0), "given to the container engine"};
    source.read = [&](char* buffer, std::size_t size) -> Result<std::size_t> {
        const std::size_t count = std::fread(buffer, 1, size, file.get());
        if (count == 0 && std::ferror(file.get()) != 0) return Error{Errc::io, "cannot read " + tar.string()};
        sent.done += count;
        if (told) told(sent);
        return count;
    };
    ask.source = std::move(source);
    auto response = call(ask);
    if (!response) return response.error();
    PullProgress words;
    if (!words.feed(response->body)) {
        return Error{Errc::refused, fmt::format("the images cannot be loaded: {}", words.error())};
    }
    if (words.loaded().empty()) {
        return Error{Errc::refused, "there is no image in it: send what `docker save` wrote"};
    }
    return words.loaded();
}

bool PullProgress::feed(std::string_view bytes) {
    rest_ += bytes;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
        line(std::string_view(rest_).substr(begin, end - begin));
        begin = end + 1;
    }
    rest_.erase(0, begin);
    return error_.empty();
}

void PullProgress::line(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) return;
    if (const std::string error = text_of(json, "error"); !error.empty()) {
        error_ = error;
        return;
    }
    std::string words = text_of(json, "status");
    if (words.empty()) words = text_of(json, "stream");
    while (!words.empty() && words.back() == '\n') words.pop_back();
    note_loaded(words);
    const std::string layer = text_of(json, "id");
    if (layer.empty()) {
        if (!words.empty()) status_ = words;
        return;
    }
    const auto detail = json.find("progressDetail");
    if (words != "Downloading" || detail == json.end() || !detail->is_object()) return;
    const double total = detail->value("total", 0.0);
    if (total > 0) layers_[layer] = {detail->value("current", 0.0), total};
}

/// "Loaded image: a:1", "Loaded image ID: sha256:…", and Podman's "Loaded image(s): a:1,b:1".
void PullProgress::note_loaded(std::string_view words) {
    const auto colon = words.find(": ");
    if (!words.starts_with("Loaded image") || colon == std::string_view::npos) return;
    words.remove_prefix(colon + 2);
    while (!words.empty()) {
        const std::string_view name = words.substr(0, words.find(','));
        words.remove_prefix(std::min(words.size(), name.size() + 1));
        if (!name.empty()) loaded_.emplace_back(name);
    }
}

ImageProgress PullProgress::now() const {
    if (layers_.empty()) return ImageProgress{0, 0, status_};
    double done = 0;
    double total = 0;
    for (const auto& [layer, bytes] : layers_) {
        done += bytes.first;
        total += bytes.second;
    }
    return ImageProgress{static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(total),
                         fmt::format("{:.0f} of {:.0f} MB", done / 1e6, total / 1e6)};
}

}  // namespace quicksilver
