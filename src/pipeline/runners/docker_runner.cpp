#include "docker_runner.hpp"

#include "module_files.hpp"
#include "monai_manifest.hpp"
#include "new_lines.hpp"
#include "registry_auth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace quicksilver {

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr auto pull_interval = std::chrono::hours(1);
constexpr auto engine_poll = std::chrono::milliseconds(250);
constexpr unsigned stop_grace_s = 10;
constexpr std::size_t manifest_max = 4UL << 20;

constexpr const char* label_installation = "quicksilver.installation";
constexpr const char* label_task = "quicksilver.task";
constexpr const char* label_step = "quicksilver.step";
constexpr const char* label_attempt = "quicksilver.attempt";

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The engine is away: not the module's fault, and it will come back.
bool is_engine_away(const Error& error) {
    return error.code == Errc::network || error.code == Errc::timed_out;
}

Error as_runner_error(Error error) {
    if (is_engine_away(error)) error.code = Errc::busy;
    return error;
}

/// What to do about refusals whose words tell nobody.
Error with_hint(Error error) {
    const auto says = [&error](std::string_view words) { return error.message.find(words) != std::string::npos; };
    if (says("could not select device driver")) {
        error.message +=
            "; this engine has no driver for graphics processors: install the NVIDIA container toolkit, "
            "or take `gpus` off the module";
    } else if (says("Unknown runtime specified") || says("invalid runtime name")) {
        error.message +=
            "; add the runtime to the engine's daemon.json, or take it out of docker_arguments and "
            "processing_runtime";
    } else if (says("bind source path does not exist")) {
        error.message +=
            "; the engine does not see the folders of this server: when the server runs in a container, keep its "
            "data in a volume or mounted folder, and do not change its host name";
    }
    return error;
}

Error interrupted() {
    return Error{Errc::cancelled, "the run was ended before its time"};
}

Result<PullPolicy> pull_policy_of(const Json& config) {
    const std::string policy = text_of(config, "pull_policy");
    if (policy.empty() || policy == "always") return PullPolicy::always;
    if (policy == "missing") return PullPolicy::missing;
    if (policy == "never") return PullPolicy::never;
    return Error{Errc::invalid, fmt::format("pull_policy '{}' is none of always, missing, never", policy)};
}

/// An image id has no registry that it could come from.
bool is_image_id(const std::string& image) {
    return image.starts_with("sha256:");
}

/// Of a row of the engine's list. One that was only made has nothing to go on with, and its end would look like a
/// success.
bool has_started(const Json& container) {
    const std::string state = text_of(container, "State");
    return state != "created" && state != "configured" && state != "initialized";
}

constexpr int exit_killed = 128 + 9;
constexpr int exit_terminated = 128 + 15;
constexpr int exit_lost = 255;  // what engines say of a container whose end they did not see

/// As a stop of the engine or of the machine ends what runs.
bool was_ended_from_outside(const ModuleEnd& end) {
    if (end.exit_code == exit_terminated || end.exit_code == exit_lost) return true;
    return end.exit_code == exit_killed && !end.is_out_of_memory;
}

bool runs_in_container() {
    std::error_code ignored;
    return fs::exists("/.dockerenv", ignored) || fs::exists("/run/.containerenv", ignored);
}

}  // namespace

std::string unix_time_of(std::string_view log_time) {
    std::tm time{};
    const std::string text(log_time);
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
    if (rest == nullptr) return "";
    std::string fraction;
    if (*rest == '.') {
        for (++rest; *rest >= '0' && *rest <= '9'; ++rest) fraction += *rest;
    }
    if (std::string_view(rest) != "Z") return "";
    return fmt::format("{}.{}", ::timegm(&time), fraction.empty() ? "0" : fraction);
}

std::string container_id_of(std::string_view mountinfo) {
    constexpr std::string_view before = "containers/";
    constexpr std::size_t digits = 64;
    for (std::size_t at = mountinfo.find(before); at != std::string_view::npos; at = mountinfo.find(before, at + 1)) {
        const std::string_view id = mountinfo.substr(at + before.size(), digits);
        const bool is_id = id.size() == digits && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
        if (is_id) return std::string(id);
    }
    return "";
}

fs::path path_for_engine(const fs::path& path, const std::vector<PathMount>& mounts) {
    const PathMount* best = nullptr;
    std::size_t best_length = 0;
    for (const PathMount& mount : mounts) {
        const auto [inside_end, ignored] =
            std::mismatch(mount.inside.begin(), mount.inside.end(), path.begin(), path.end());
        const std::size_t length = mount.inside.native().size();
        if (inside_end != mount.inside.end() || (best != nullptr && length <= best_length)) continue;
        best = &mount;
        best_length = length;
    }
    if (best == nullptr) return path;
    const fs::path rest = path.lexically_relative(best->inside);
    return rest == "." ? best->outside : best->outside / rest;
}

std::map<std::string, std::string> labels_of(const RunId& run, const std::string& installation) {
    return {{label_installation, installation},
            {label_task, run.task},
            {label_step, std::to_string(run.step)},
            {label_attempt, run.attempt}};
}

std::optional<RunId> run_of(const Json& labels) {
    if (!labels.is_object()) return std::nullopt;
    const std::string step = text_of(labels, label_step);
    RunId run{text_of(labels, label_task), 0, text_of(labels, label_attempt)};
    if (run.task.empty() || step.empty() || step.size() > 4) return std::nullopt;
    for (const char digit : step) {
        if (digit < '0' || digit > '9') return std::nullopt;
        run.step = run.step * 10 + static_cast<unsigned>(digit - '0');
    }
    return run;
}

DockerRunner::DockerRunner(EngineAddress address, ModulePolicy policy, std::string installation)
    : engine_(std::move(address)), policy_(std::move(policy)), installation_(std::move(installation)) {}

Result<std::string> DockerRunner::ready(const StopFlag& stop) {
    {
        const std::lock_guard lock(mutex_);
        info_.reset();
    }
    const auto info = engine_info(stop);
    if (!info) return as_runner_error(info.error());
    return fmt::format("{} at {}", info->name, engine_.address().shown);
}

Result<EngineInfo> DockerRunner::engine_info(const StopFlag& stop) {
    {
        const std::lock_guard lock(mutex_);
        if (info_) return *info_;
    }
    auto info = engine_.connect(&stop);
    if (!info) return info;
    const std::lock_guard lock(mutex_);
    info_ = *info;
    return info;
}

Result<void> DockerRunner::prepare(const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
    const std::string image = text_of(run.config, "docker_tag");
    if (image.empty()) {
        return Error{Errc::invalid, fmt::format("module {} has no docker_tag: name its image", run.module)};
    }
    const auto policy = pull_policy_of(run.config);
    if (!policy) return policy.error();
    if (const auto info = engine_info(control.flag()); !info) return as_runner_error(info.error());
    if (auto fetched = fetch(image, *policy, control, progress); !fetched) return as_runner_error(fetched.error());
    return open_to_module(run.in, run.out);
}

Result<void> DockerRunner::fetch(const std::string& image, PullPolicy policy, const RunControl& control,
                                 const RunProgress& progress) {
    const auto here = engine_.inspect_image(image);
    if (!here && here.error().code != Errc::not_found) return here.error();
    if (policy == PullPolicy::never || is_image_id(image)) {
        if (here) return {};
        return Error{Errc::not_found, fmt::format("image {} is not on this machine and its module's pull_policy is "
                                                  "never: load it, as with `docker load`",
                                                  image)};
    }
    if (here && policy == PullPolicy::missing) return {};
    const auto now = std::chrono::steady_clock::now();
    {
        const std::lock_guard lock(mutex_);
        const auto last = pulled_.find(image);
        if (here && last != pulled_.end() && now - last->second < pull_interval) return {};
        pulled_[image] = now;
    }
    const auto status = [&](const ImageProgress& pulling) { progress.status("pulling the image: " + pulling.text); };
    const auto pulled =
        engine_.pull(image, registry_auth_of_this_user(parse_image_name(image).registry), control.flag(), status);
    if (pulled) return {};
    if (control.flag()) return interrupted();
    // Images that were built here are in no registry, and a registry may be away for an hour.
    if (here && !is_engine_away(pulled.error())) return {};
    return pulled;
}

Result<DockerRunner::Image> DockerRunner::examine(const std::string& name) {
    const auto found = engine_.inspect_image(name);
    if (!found) return found.error();
    Image image;
    image.id = text_of(*found, "Id");
    image.digest = image.id;
    const Json digests = found->value("RepoDigests", Json());
    if (digests.is_array() && !digests.empty() && digests[0].is_string()) image.digest = digests[0].get<std::string>();
    auto command = map_command_of(image.id);
    if (!command) return command.error();
    image.map_command = std::move(*command);
    return image;
}

/// Looks into the image by a container that is made and removed, but never started.
Result<std::optional<std::vector<std::string>>> DockerRunner::map_command_of(const std::string& image_id) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = map_commands_.find(image_id); known != map_commands_.end()) return known->second;
    }
    const auto probe = engine_.create("", Json{{"Image", image_id},
                                               {"Cmd", Json::array({"true"})},
                                               {"NetworkDisabled", true},
                                               {"Labels", {{label_installation, installation_}}}});
    if (!probe) return probe.error();
    const auto tar = engine_.archive(*probe, monai_manifest_path, manifest_max);
    // The engine says "not found" of a missing file and of a missing container alike.
    if (const auto there = engine_.inspect(*probe); !there) {
        return Error{Errc::busy, "the container engine lost a container: " + there.error().message};
    }
    if (auto removed = engine_.remove(*probe); !removed) return removed.error();
    if (!tar && tar.error().code != Errc::not_found) return tar.error();
    std::optional<std::vector<std::string>> command;
    if (tar) {
        const auto manifest = first_file_of_tar(*tar);
        auto parsed = parse_monai_command(manifest.value_or(""));
        if (!parsed) return parsed.error();
        command = std::move(*parsed);
    }
    const std::lock_guard lock(mutex_);
    map_commands_[image_id] = command;
    return command;
}

Result<DockerRunner::Found> DockerRunner::find(const RunId& run) {
    Json wanted = Json::array();
    for (const auto& [name, value] : labels_of(run, installation_)) wanted.push_back(name + "=" + value);
    const auto list = engine_.list(Json{{"label", wanted}});
    if (!list) return list.error();
    if (!list->is_array() || list->empty()) return Error{Errc::not_found, "there is no container of this run"};
    return Found{text_of((*list)[0], "Id"), has_started((*list)[0])};
}

Result<std::string> DockerRunner::find_or_start(const ModuleRun& run, const RunControl& control,
                                                const RunProgress& progress, bool& was_there) {
    const auto found = find(run.id);
    if (!found && found.error().code != Errc::not_found) return found.error();
    was_there = found && found->has_started;
    if (was_there) return found->container;
    if (found) {
        if (auto removed = engine_.remove(found->container); !removed) return removed.error();
    }
    return start(run, control, progress);
}

Result<ModuleEnd> DockerRunner::run(const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
    if (const auto info = engine_info(control.flag()); !info) return as_runner_error(info.error());
    bool was_there = false;
    const auto container = find_or_start(run, control, progress, was_there);
    if (!container) return as_runner_error(container.error());
    if (auto followed = follow(*container, control, progress); !followed) {
        const auto why = control.why();
        if (why == Interruption::cancelled || why == Interruption::timed_out) {
            (void)engine_.stop(*container, stop_grace_s);
        }
        return as_runner_error(followed.error());
    }
    auto end = ended(*container);
    if (!end) return as_runner_error(end.error());
    if (was_there && was_ended_from_outside(*end)) {
        return Error{Errc::busy, "the module was ended while the server was away, as by a restart of the machine"};
    }
    return end;
}

Result<std::string> DockerRunner::start(const ModuleRun& run, const RunControl& control, const RunProgress& progress) {
    const auto info = engine_info(control.flag());
    if (!info) return info.error();
    auto image = examine(text_of(run.config, "docker_tag"));
    if (!image) return image.error();
    const auto outside = mounts();
    if (!outside) return outside.error();
    ContainerPlan plan;
    plan.config = run.config;
    plan.image = image->id;
    plan.runtime = run.server->processing.runtime;
    plan.in = path_for_engine(run.in, *outside);
    plan.out = path_for_engine(run.out, *outside);
    if (!run.persistence.empty()) plan.persistence = path_for_engine(run.persistence, *outside);
    plan.labels = labels_of(run.id, installation_);
    plan.labels["quicksilver.image"] = image->digest;
    plan.user = ::getuid();
    plan.group = ::getegid();
    plan.support_root_modules = run.server->processing.support_root_modules;
    plan.rootless = info->rootless;
    plan.map_command = std::move(image->map_command);
    plan.policy = policy_;
    const auto request = make_container_request(plan);
    if (!request) return request.error();
    for (const std::string& what : request->left_out) progress.status("left out, as this server forbids it: " + what);

    const std::string name = fmt::format("quicksilver-{}-{}-{}", run.id.task, run.id.step, run.id.attempt);
    auto container = engine_.create(name, request->body);
    if (!container) return with_hint(container.error());
    if (control.flag()) {
        (void)engine_.remove(*container);
        return interrupted();
    }
    if (auto started = engine_.start(*container); !started) {
        if (!is_engine_away(started.error())) (void)engine_.remove(*container);
        return with_hint(started.error());
    }
    return container;
}

/// Returns when the container has ended.
Result<void> DockerRunner::follow(const std::string& container, const RunControl& control,
                                  const RunProgress& progress) {
    NewLines lines(progress.output);
    std::string since;
    for (bool engine_was_away = false;;) {
        auto step = engine_.follow_logs(container, since, control.flag(), std::ref(lines));
        const bool readable = step || step.error().code != Errc::refused;
        // A log driver that cannot be read says so; the module runs all the same.
        if (step || !readable) {
            const auto code = engine_.wait(container, control.flag());
            if (code && engine_was_away && *code != 0) {
                (void)engine_.remove(container);  // it did not fail by itself, and is to run once more
                return Error{Errc::busy, "the container engine went away while the module ran"};
            }
            if (code) {
                // Docker ends the stream early when it rotates its file under a reader, and Podman when the module has
                // ended, however much is still to be read.
                since = unix_time_of(lines.again());
                if (readable) (void)engine_.read_logs(container, since, control.flag(), std::ref(lines));
                lines.finish();
                return {};
            }
            step = code.error();
        }
        if (control.flag()) return interrupted();
        if (!is_engine_away(step.error())) return step;
        engine_was_away = true;
        const auto there = wait_for_engine(container, control);
        if (!there) return there.error();
        if (!*there) return Error{Errc::busy, "the container engine lost the module's container"};
        since = unix_time_of(lines.again());
    }
}

/// True when the engine is back and knows the container, false when it is back without it.
Result<bool> DockerRunner::wait_for_engine(const std::string& container, const RunControl& control) {
    for (;;) {
        if (control.flag()) return interrupted();
        const auto found = engine_.inspect(container);
        if (found) return true;
        if (found.error().code == Errc::not_found) return false;
        std::this_thread::sleep_for(engine_poll);
    }
}

Result<ModuleEnd> DockerRunner::ended(const std::string& container) {
    const auto found = engine_.inspect(container);
    if (!found) return found.error();
    const Json state = found->value("State", Json::object());
    ModuleEnd end;
    end.exit_code = state.value("ExitCode", -1);
    end.reason = text_of(state, "Error");
    if (end.exit_code == exit_killed) end.reason = "it was killed, as happens when memory runs out";
    end.is_out_of_memory = state.value("OOMKilled", false);
    if (end.is_out_of_memory) end.reason = "it used more memory than it may";
    const Json labels = found->value("Config", Json::object()).value("Labels", Json::object());
    end.image = text_of(labels, "quicksilver.image");
    return end;
}

Result<void> DockerRunner::collect(const ModuleRun& run) {
    const auto container = find(run.id);
    if (container) {
        if (auto removed = engine_.remove(container->container); !removed) return as_runner_error(removed.error());
    } else if (container.error().code != Errc::not_found) {
        return as_runner_error(container.error());
    }
    const auto taken = take_over_outputs(run.out);
    if (!taken) return taken.error();
    return {};
}

Result<std::set<RunId>> DockerRunner::sweep(const std::set<RunId>& wanted) {
    const StopFlag never{false};
    if (const auto info = engine_info(never); !info) return as_runner_error(info.error());
    const auto list = engine_.list(Json{{"label", Json::array({label_installation + ("=" + installation_)})}});
    if (!list) return as_runner_error(list.error());
    std::set<RunId> alive;
    for (const Json& container : *list) {
        const auto run = run_of(container.value("Labels", Json::object()));
        if (run && wanted.contains(*run) && has_started(container)) {
            alive.insert(*run);
        } else if (auto removed = engine_.remove(text_of(container, "Id")); !removed) {
            return as_runner_error(removed.error());
        }
    }
    return alive;
}

/// Our own mounts as the engine sees them, when we run in a container of that engine.
Result<std::vector<PathMount>> DockerRunner::mounts() {
    const std::lock_guard lock(mutex_);
    if (mounts_) return *mounts_;
    std::vector<PathMount> mounts;
    if (runs_in_container()) {
        char name[256] = {};
        (void)::gethostname(name, sizeof(name) - 1);
        auto ourselves = engine_.inspect(name);
        if (!ourselves && ourselves.error().code == Errc::not_found) {
            // Somebody gave us another host name.
            std::ifstream file("/proc/self/mountinfo");
            const std::string mounted(std::istreambuf_iterator<char>(file), {});
            const std::string id = container_id_of(mounted);
            if (!id.empty()) ourselves = engine_.inspect(id);
        }
        // Not found at all: this engine is not the one that runs us, and sees what we see.
        if (!ourselves && ourselves.error().code != Errc::not_found) return ourselves.error();
        const Json list = ourselves ? ourselves->value("Mounts", Json::array()) : Json::array();
        for (const Json& mount : list) {
            mounts.push_back(PathMount{text_of(mount, "Destination"), text_of(mount, "Source")});
        }
    }
    mounts_ = mounts;
    return mounts;
}

}  // namespace quicksilver
