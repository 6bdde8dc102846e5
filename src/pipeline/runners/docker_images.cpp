// What people do with the images of the engine. Running them is in docker_runner.cpp.
#include "quicksilver/core/clock.hpp"

#include "docker_runner.hpp"
#include "registry_auth.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace quicksilver {

namespace {

using Json = nlohmann::json;

Error as_images_error(Error error) {
    if (error.code == Errc::network || error.code == Errc::timed_out) error.code = Errc::busy;
    return error;
}

std::vector<std::string> names_in(const Json& list) {
    std::vector<std::string> names;
    if (!list.is_array()) return names;
    for (const Json& name : list) {
        // So the engine calls an image without a name: <none>:<none>, <none>@<none>.
        if (name.is_string() && name.get<std::string>().find("<none>") == std::string::npos) names.push_back(name);
    }
    return names;
}

ModuleImage image_of(const Json& json) {
    ModuleImage image;
    for (const auto& [key, value] : json.items()) {
        if (key == "Id" && value.is_string()) image.id = value.get<std::string>();
        if (key == "Size" && value.is_number()) image.bytes = value.get<std::uint64_t>();
        if (key == "Created" && value.is_number()) {
            image.created = rfc3339(WallTime(std::chrono::seconds(value.get<std::int64_t>())));
        }
        if (key == "RepoTags") image.names = names_in(value);
        if (key == "RepoDigests") image.digests = names_in(value);
    }
    return image;
}

/// The whole name, however it was written: docker.io/library/a:latest. What Podman calls localhost/a was named so here.
std::string whole_name(std::string_view image) {
    const ImageName name = parse_image_name(image);
    std::string repository = name.repository;
    for (const std::string_view implied : {"docker.io/", "localhost/", "library/"}) {
        if (repository.starts_with(implied)) repository.erase(0, implied.size());
    }
    return fmt::format("{}{}{}", repository, name.is_digest ? "@" : ":", name.tag);
}

bool has_name(const std::vector<std::string>& names, const std::string& wanted) {
    return std::ranges::any_of(names, [&wanted](const std::string& name) { return whole_name(name) == wanted; });
}

/// "sha256:12ab…", or its first characters without the algorithm, as people copy them.
bool has_id(const ModuleImage& image, std::string_view wanted) {
    constexpr std::string_view algorithm = "sha256:";
    constexpr std::size_t shortest = 12;
    if (wanted.starts_with(algorithm)) wanted.remove_prefix(algorithm.size());
    std::string_view id = image.id;
    if (id.starts_with(algorithm)) id.remove_prefix(algorithm.size());
    return wanted.size() >= shortest && id.starts_with(wanted);
}

}  // namespace

const ModuleImage* find_image(const std::vector<ModuleImage>& images, std::string_view docker_tag) {
    const std::string wanted = whole_name(docker_tag);
    for (const ModuleImage& image : images) {
        if (has_name(image.names, wanted) || has_name(image.digests, wanted)) return &image;
    }
    for (const ModuleImage& image : images) {
        if (has_id(image, docker_tag)) return &image;
    }
    return nullptr;
}

Result<std::vector<ModuleImage>> DockerRunner::list_images(const StopFlag& stop) {
    if (const auto info = engine_info(stop); !info) return as_images_error(info.error());
    const auto list = engine_.list_images(stop);
    if (!list) return as_images_error(list.error());
    std::vector<ModuleImage> images;
    for (const Json& json : *list) {
        if (json.is_object()) images.push_back(image_of(json));
    }
    return images;
}

Result<void> DockerRunner::pull_image(const std::string& image, const StopFlag& stop, const Progress& progress) {
    if (const auto info = engine_info(stop); !info) return as_images_error(info.error());
    auto pulled = engine_.pull(image, registry_auth_of_this_user(parse_image_name(image).registry), stop, progress);
    if (!pulled) return as_images_error(std::move(pulled).error());
    const std::lock_guard lock(mutex_);
    pulled_[image] = std::chrono::steady_clock::now();
    return {};
}

Result<std::vector<std::string>> DockerRunner::load_images(const std::filesystem::path& tar, const StopFlag& stop,
                                                           const Progress& progress) {
    if (const auto info = engine_info(stop); !info) return as_images_error(info.error());
    auto loaded = engine_.load(tar, stop, progress);
    if (!loaded) return as_images_error(std::move(loaded).error());
    return loaded;
}

}  // namespace quicksilver
