// What people do with the images of the engine. Running them is in docker_runner.cpp.
#include "quicksilver/core/clock.hpp"

#include "docker_runner.hpp"
#include "registry_auth.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace quicksilver {

namespace {

using Json = nlohmann::json;

Error as_images_error(Error error) {
    if (error.code == Errc::network || error.code == Errc::timed_out) error.code = Errc::busy;
    return error;
}

ModuleImage image_of(const Json& json) {
    ModuleImage image;
    for (const auto& [key, value] : json.items()) {
        if (key == "Id" && value.is_string()) image.id = value.get<std::string>();
        if (key == "Size" && value.is_number()) image.bytes = value.get<std::uint64_t>();
        if (key == "Created" && value.is_number()) {
            image.created = rfc3339(WallTime(std::chrono::seconds(value.get<std::int64_t>())));
        }
        if (key != "RepoTags" || !value.is_array()) continue;
        for (const Json& name : value) {
            // So the engine calls an image without a name.
            if (name.is_string() && name != "<none>:<none>") image.names.push_back(name.get<std::string>());
        }
    }
    return image;
}

}  // namespace

Result<std::vector<ModuleImage>> DockerRunner::list_images() {
    const StopFlag never{false};
    if (const auto info = engine_info(never); !info) return as_images_error(info.error());
    const auto list = engine_.list_images();
    if (!list) return as_images_error(list.error());
    std::vector<ModuleImage> images;
    for (const Json& json : *list) {
        if (json.is_object()) images.push_back(image_of(json));
    }
    return images;
}

Result<void> DockerRunner::pull_image(const std::string& image, const StopFlag& stop,
                                      const std::function<void(std::string)>& status) {
    if (const auto info = engine_info(stop); !info) return as_images_error(info.error());
    auto pulled = engine_.pull(image, registry_auth_of_this_user(parse_image_name(image).registry), stop, status);
    if (!pulled) return as_images_error(std::move(pulled).error());
    const std::lock_guard lock(mutex_);
    pulled_[image] = std::chrono::steady_clock::now();
    return {};
}

Result<std::string> DockerRunner::load_images(const std::filesystem::path& tar, const StopFlag& stop) {
    if (const auto info = engine_info(stop); !info) return as_images_error(info.error());
    auto loaded = engine_.load(tar, stop);
    if (!loaded) return as_images_error(std::move(loaded).error());
    return loaded;
}

}  // namespace quicksilver
