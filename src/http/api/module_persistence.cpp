#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/module_control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/persistence_folder.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "api.hpp"
#include "running_operations.hpp"

#include <fmt/format.h>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

/// The file that mercure's modules write.
constexpr const char* default_file = "persistence.json";
constexpr const char* no_file_etag = "\"none\"";

/// What a request is about.
struct Place {
    std::string folder;  ///< its name
    std::filesystem::path path;
    std::string file;
};

bool is_folder_name(const std::string& name) {
    return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

/// Throws ProblemError 404 when the module keeps nothing, 422 when it is no name of a file.
Place place_of(const Api& api, const Call& call) {
    const auto config = api.services().config.snapshot();
    const ModuleConfig* module = config->find_module(call.parameter("name"));
    if (!module) throw not_found("There is no such module.");
    if (!module->settings.value("requires_persistence", false)) {
        throw not_found("This module keeps nothing between its runs: its `requires_persistence` is off.");
    }
    Place place;
    place.folder = module->settings.value("persistence_folder_name", "");
    if (place.folder.empty()) place.folder = module->name;
    if (!is_folder_name(place.folder)) {
        throw conflict("state", "The module's `persistence_folder_name` is no name of a folder.");
    }
    place.path = config->folders.persistence / place.folder;
    place.file = call.query("file");
    if (place.file.empty()) place.file = default_file;
    if (!PersistenceFolder::is_file_name(place.file)) {
        throw invalid("Something is wrong with the parameters.",
                      {{"?file", "name", "is no name of a file in the folder of the module"}});
    }
    return place;
}

std::string etag_of(const Result<PersistenceFolder::Content>& content) {
    return content ? "\"" + content->version.substr(0, 40) + "\"" : std::string(no_file_etag);
}

/// Throws ProblemError for what is no file, but not for a file that is missing.
Result<PersistenceFolder::Content> read(const PersistenceFolder& files, const Place& place) {
    auto content = files.read(place.file);
    if (!content && content.error().code != Errc::not_found) throw_problem(content.error());
    return content;
}

bool is_utf8(const std::string& text) {
    try {
        return !Json(text).dump().empty();
    } catch (const Json::type_error&) {
        return false;
    }
}

Json shown(const PersistenceFolder& files, const Place& place, const Result<PersistenceFolder::Content>& content) {
    Json items = Json::array();
    const auto all = files.list();
    if (!all) throw_problem(all.error());
    for (const PersistenceFolder::File& file : *all) {
        items.push_back({{"name", file.name}, {"bytes", file.bytes}, {"modified_at", rfc3339(file.modified)}});
    }
    const bool is_text = content && content->text && is_utf8(*content->text);
    return {{"folder", place.folder},
            {"file", place.file},
            {"exists", content.ok()},
            {"bytes", content ? content->bytes : 0},
            {"content", is_text ? Json(*content->text) : Json()},
            {"files", std::move(items)}};
}

asio::awaitable<HttpResponse> show(const Api& api, const Call& call) {
    const Place place = place_of(api, call);
    std::string etag;
    auto look = [&] {
        const PersistenceFolder files(api.services().folders.ops(), place.path);
        const auto content = read(files, place);
        etag = etag_of(content);
        return shown(files, place, content);
    };
    Json answer = co_await run_blocking(api.services().readers_pool, look);
    answer["in_use"] = api.services().modules.uses_persistence(place.folder);
    co_return with_live_etag(call, make_json(answer), etag);
}

/// On a reader's thread, while no module uses the folder.
Json replace(const Api& api, const Call& call, const Place& place, std::string& etag) {
    const PersistenceFolder files(api.services().folders.ops(), place.path);
    const auto before = read(files, place);
    require_match(call, etag_of(before), shown(files, place, before));
    const Json& content = call.body.at("content");
    Result<void> done;
    if (content.is_null()) {
        done = files.remove(place.file);
    } else {
        const std::string text = content;
        if (place.file.ends_with(".json") && !Json::accept(text)) {
            throw invalid("Something is wrong with the body.", {{"/content", "json", "is no JSON"}});
        }
        done = files.write(place.file, text);
    }
    if (!done && done.error().code == Errc::no_space) {
        throw ProblemError(503, "no_space", done.error().message).with_header("Retry-After", "60");
    }
    if (!done) throw_problem(done.error());
    const auto after = read(files, place);
    etag = etag_of(after);
    return shown(files, place, after);
}

asio::awaitable<HttpResponse> put(const Api& api, Call& call) {
    const Place place = place_of(api, call);
    call.audited_object = place.file;
    const auto hold = api.services().modules.hold_persistence(place.folder);
    if (!hold) throw ProblemError(423, "locked", hold.error().message).with_header("Retry-After", "10");
    std::string etag;
    auto change = [&] { return replace(api, call, place, etag); };
    Json answer = co_await run_blocking(api.services().readers_pool, change);
    answer["in_use"] = false;
    HttpResponse response = make_json(answer);
    response.headers.emplace_back("ETag", etag);
    co_return response;
}

}  // namespace

void add_module_persistence_operations(Api& api) {
    constexpr std::size_t name_max = 1024;
    const Json bytes = schema::integer(0, INT64_MAX);
    const Json file =
        schema::object({{"name", schema::text(name_max)}, {"bytes", bytes}, {"modified_at", schema::time()}});
    const Json answer = schema::object({{"folder", schema::text()},
                                        {"file", schema::text(name_max)},
                                        {"exists", schema::boolean()},
                                        {"bytes", bytes},
                                        {"content", schema::optional(schema::text(PersistenceFolder::shown_max))},
                                        {"files", schema::list_of(file)},
                                        {"in_use", schema::boolean()}});
    const std::vector<QueryParameter> query = {
        {"file", schema::text(name_max), "A file of its folder; persistence.json."}};
    // What a module keeps may name patients.
    api.wait({.method = "GET",
              .path = "/modules/{name}/persistence",
              .id = "getModulePersistence",
              .summary = "What the module keeps between its runs: its files, and the text of one of them",
              .tag = "modules",
              .access = Access::admin,
              .phi = true,
              .query = query,
              .answer = answer,
              .also = {304}},
             [&api](Call& call) { return show(api, call); });
    api.wait({.method = "PUT",
              .path = "/modules/{name}/persistence",
              .id = "putModulePersistence",
              .summary = "Replaces the text of a file that the module keeps, or removes it with null",
              .tag = "modules",
              .access = Access::admin,
              .scope = "configure",
              .phi = true,
              .query = query,
              .body = schema::object({{"content", schema::optional(schema::text(PersistenceFolder::shown_max))}}),
              .answer = answer,
              .conditional = true},
             [&api](Call& call) { return put(api, call); });
}

}  // namespace quicksilver::api
