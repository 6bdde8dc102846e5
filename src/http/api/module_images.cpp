#include "quicksilver/http/module_control.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"
#include "running_operations.hpp"
#include "upload.hpp"

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr std::size_t image_name_max = 400;
constexpr std::uint64_t tar_bytes_max = 64ULL << 30;
constexpr const char* tag = "modules";

[[noreturn]] void throw_engine_problem(const Error& error) {
    if (error.code != Errc::busy) throw_problem(error);
    throw ProblemError(503, "engine_away", error.message).with_header("Retry-After", "5");
}

asio::awaitable<HttpResponse> list_images(const Api& api) {
    const Result<EngineImages> all = co_await api.services().modules.images(false);
    if (!all) throw_engine_problem(all.error());
    Json items = Json::array();
    for (const EngineImage& image : all->images) {
        items.push_back({{"id", image.id},
                         {"names", image.names},
                         {"digests", image.digests},
                         {"bytes", image.bytes},
                         {"created_at", image.created_at.empty() ? Json() : Json(image.created_at)},
                         {"used_by", image.used_by}});
    }
    Json missing = Json::array();
    for (const auto& [module, state] : all->modules) {
        if (!state.present) missing.push_back({{"module", module}, {"image", state.docker_tag}});
    }
    co_return make_json({{"items", std::move(items)}, {"missing", std::move(missing)}});
}

/// The flag that ends the work when its operation is cancelled.
std::shared_ptr<StopFlag> stop_of(Operations::Operation& operation) {
    auto stop = std::make_shared<StopFlag>(false);
    operation.on_cancel([stop] { *stop = true; });
    return stop;
}

ModuleControl::Progress progress_of(Operations::Operation& operation) {
    // The operation may have ended when the last news comes.
    return [weak = operation.weak_from_this()](std::uint64_t done, std::uint64_t total) {
        const auto there = weak.lock();
        if (there && there->state() == Operations::State::running) there->set_progress(done, total, "bytes");
    };
}

asio::awaitable<Result<Json>> pull(ModuleControl& modules, std::string image, Operations::Operation& operation) {
    const auto stop = stop_of(operation);
    const Result<void> pulled = co_await modules.pull_image(image, stop, progress_of(operation));
    if (!pulled) co_return pulled.error();
    co_return Result<Json>(Json{{"images", Json::array({image})}});
}

asio::awaitable<Result<Json>> load(ModuleControl& modules, std::shared_ptr<const Upload> tar,
                                   Operations::Operation& operation) {
    const auto stop = stop_of(operation);
    const auto loaded = co_await modules.load_images(tar->path(), stop, progress_of(operation));
    if (!loaded) co_return loaded.error();
    co_return Result<Json>(Json{{"images", *loaded}});
}

asio::awaitable<HttpResponse> begin_pull(const Api& api, Call& call) {
    const std::string image = call.body.at("image");
    if (image.find_first_of(" \t\r\n?&#") != std::string::npos) {
        throw invalid("Something is wrong with the body.", {{"/image", "name", "is no name of an image"}});
    }
    call.audited_object = image;
    ModuleControl& modules = api.services().modules;
    Operations::Work work = [&modules, image](Operations::Operation& operation) {
        return pull(modules, image, operation);
    };
    co_return begin_operation(api, call, image, std::move(work));
}

asio::awaitable<HttpResponse> begin_load(const Api& api, Call& call) {
    if (call.upload->bytes == 0) throw invalid("There is nothing in the body.", {});
    ModuleControl& modules = api.services().modules;
    Operations::Work work = [&modules, tar = std::move(call.upload)](Operations::Operation& operation) {
        return load(modules, tar, operation);
    };
    co_return begin_operation(api, call, "", std::move(work));
}

}  // namespace

void add_module_image_operations(Api& api) {
    const Json words = schema::list_of(schema::text());
    const Json image = schema::object({{"id", schema::text()},
                                       {"names", words},
                                       {"digests", words},
                                       {"bytes", schema::integer(0, INT64_MAX)},
                                       {"created_at", schema::optional(schema::time())},
                                       {"used_by", words}});
    const Json missing = schema::object({{"module", schema::text()}, {"image", schema::text(image_name_max)}});
    // Before the others, whose path has a name where these have a word.
    api.wait({.method = "GET",
              .path = "/modules/images",
              .id = "listModuleImages",
              .summary = "The images that the container engine has, and what modules lack",
              .tag = tag,
              .access = Access::admin,
              .answer = schema::object({{"items", schema::list_of(image)}, {"missing", schema::list_of(missing)}})},
             [&api](Call&) { return list_images(api); });
    api.wait({.method = "POST",
              .path = "/modules/images/actions/pull",
              .id = "pullModuleImage",
              .summary = "Fetches an image from its registry",
              .tag = tag,
              .access = Access::admin,
              .scope = "configure",
              .body = schema::object({{"image", schema::required_text(image_name_max)}}),
              .answer = Api::reference("Operation"),
              .status = 202},
             [&api](Call& call) { return begin_pull(api, call); });
    api.wait({.method = "POST",
              .path = "/modules/images/actions/load",
              .id = "loadModuleImages",
              .summary = "Loads images from a tar that `docker save` wrote, for machines without a registry",
              .tag = tag,
              .access = Access::admin,
              .scope = "configure",
              .body = schema::any(),
              .body_type = "application/x-tar",
              .upload_max = tar_bytes_max,
              .answer = Api::reference("Operation"),
              .status = 202},
             [&api](Call& call) { return begin_load(api, call); });
}

}  // namespace quicksilver::api
