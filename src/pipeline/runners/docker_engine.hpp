#pragma once

#include "quicksilver/core/result.hpp"
#include "quicksilver/core/stop_flag.hpp"
#include "quicksilver/pipeline/http_client.hpp"
#include "quicksilver/pipeline/runners/module_runner.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// Where a container engine listens.
struct EngineAddress {
    std::string url = "http://localhost";  ///< without a slash at its end
    std::filesystem::path unix_socket = "/var/run/docker.sock";
    HttpTls tls;
    std::string shown = "unix:///var/run/docker.sock";  ///< for people
};

/// Reads an address as `DOCKER_HOST` has it: unix:///path, tcp://host:port, http://…, https://…. Empty = Docker's own
/// socket. `certificates` = a folder with ca.pem, cert.pem and key.pem: TLS.
Result<EngineAddress> parse_engine_address(std::string_view host, const std::filesystem::path& certificates);

/// The API version to speak with an engine that speaks `lowest` to `highest`: ours, or the nearest it has.
/// "1.41" < "1.100".
std::string choose_api_version(std::string_view lowest, std::string_view highest);

/// A parsed image name: "registry:5000/group/name:tag", "name@sha256:…". Without tag and digest the tag is "latest".
struct ImageName {
    std::string registry;    ///< "docker.io" when the name has none
    std::string repository;  ///< with the registry as written, without tag and digest
    std::string tag;         ///< tag, or digest with its algorithm
    bool is_digest = false;
};
ImageName parse_image_name(std::string_view image);

/// What the engine says about itself.
struct EngineInfo {
    std::string name;     ///< "Docker 20.10.24"
    std::string version;  ///< of the API that we speak with it
    bool rootless = false;
    bool is_podman = false;
};

/// Docker's Engine API, as Podman serves it too. Blocking; any thread, several at once.
/// Errors: Errc::network and timed_out when the engine does not answer, not_found, already_exists (also: conflict),
/// otherwise refused with the engine's own words.
class DockerEngine {
public:
    using Json = nlohmann::json;

    explicit DockerEngine(EngineAddress address) : address_(std::move(address)) {}

    const EngineAddress& address() const { return address_; }
    /// Asks the engine who it is and agrees on a version, which the other calls use.
    Result<EngineInfo> connect(const StopFlag* stop = nullptr);

    /// Containers. `filters` as the API has them: {"label": ["a=b"]}.
    Result<std::string> create(const std::string& name, const Json& request);
    Result<void> start(const std::string& id);
    Result<Json> inspect(const std::string& id);
    Result<Json> list(const Json& filters);
    /// SIGTERM, and SIGKILL after that many seconds. Fine when it is not running.
    Result<void> stop(const std::string& id, unsigned seconds);
    Result<void> kill(const std::string& id, const std::string& signal = "KILL");
    /// Kills it if it runs. Fine when it is not there.
    Result<void> remove(const std::string& id);
    /// Waits until it has ended; its exit code.
    Result<int> wait(const std::string& id, const StopFlag& stop);
    /// Output with times in front, as it comes, until the container has ended.
    Result<void> follow_logs(const std::string& id, const std::string& since, const StopFlag& stop,
                             const std::function<void(std::string_view)>& lines);
    /// Of that what is there now; of a container that has ended, all of it.
    Result<void> read_logs(const std::string& id, const std::string& since, const StopFlag& stop,
                           const std::function<void(std::string_view)>& lines);
    /// A file or folder of a container, which need not run, as a tar of at most `bytes_max`.
    Result<std::string> archive(const std::string& id, const std::string& path, std::size_t bytes_max);

    /// Images. `auth` is the value of X-Registry-Auth, or empty.
    Result<void> pull(const std::string& image, const std::string& auth, const StopFlag& stop,
                      const ModuleImages::Progress& progress);
    Result<Json> inspect_image(const std::string& image);
    Result<Json> list_images(const StopFlag& stop);
    /// From a tar that `docker save` wrote; the names of the images in it.
    Result<std::vector<std::string>> load(const std::filesystem::path& tar, const StopFlag& stop,
                                          const ModuleImages::Progress& progress);

private:
    HttpRequest request(std::string method, const std::string& path, const StopFlag* stop = nullptr) const;
    Result<HttpResponse> call(const HttpRequest& request) const;
    Result<Json> call_for_json(const HttpRequest& request) const;
    Result<void> call_for_nothing(const HttpRequest& request) const;
    Result<void> logs(const std::string& id, std::string_view how, const std::string& since, const StopFlag& stop,
                      const std::function<void(std::string_view)>& lines);

    EngineAddress address_;
    mutable std::mutex mutex_;  // guards the next
    std::string version_;       // agreed; empty = not yet
};

/// Follows the lines of a pull or a load; one JSON object each. Pure.
class PullProgress {
public:
    /// False when the engine says that the pull has failed; `error` says why.
    bool feed(std::string_view bytes);
    ImageProgress now() const;
    /// The images that have been loaded.
    const std::vector<std::string>& loaded() const { return loaded_; }
    const std::string& error() const { return error_; }

private:
    void line(std::string_view text);
    void note_loaded(std::string_view words);

    std::string rest_;
    std::string status_;
    std::string error_;
    std::vector<std::string> loaded_;
    std::map<std::string, std::pair<double, double>> layers_;  // done and total bytes
};

}  // namespace quicksilver
