#include "quicksilver/core/json_diff.hpp"
#include "quicksilver/core/percent_encoding.hpp"
#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/renames.hpp"

#include "config_editing.hpp"

#include <fmt/format.h>

#include <array>

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

/// Members that the server adds to what the file has; sent back, they are left out. And the message of the change.
constexpr std::array<std::string_view, 8> read_only = {"name",     "order",         "statistics", "present",
                                                       "warnings", "needs_restart", "digest",     "message"};

class Objects {
public:
    Objects(const Api& api, const ConfigKind& kind) : kind_(kind), history_(history_of(api)), api_(api) {}

    bool has(const std::string& name) {
        const Ordered document = history_.document();
        return document.contains(kind_.plural) && document[kind_.plural].contains(name);
    }

    /// Throws ProblemError 404.
    Json shown(const std::string& name) {
        if (!has(name)) throw not_found(fmt::format("There is no {} {}.", kind_.kind, name));
        const Ordered document = history_.document();
        SecretDates dates(history_);
        return shown_in(document, shown_config(document), name, dates);
    }

    Json list() {
        const Ordered document = history_.document();
        const Ordered masked = shown_config(document);
        SecretDates dates(history_);
        Json items = Json::array();
        if (document.contains(kind_.plural)) {
            for (const auto& [name, object] : document[kind_.plural].items()) {
                items.push_back(shown_in(document, masked, name, dates));
            }
        }
        return items;
    }
    std::string list_etag() { return config_etag(history_, {kind_.plural, ""}); }

    void require_match(const Call& call, const std::string& name) {
        require_config_match(call, history_, {kind_.kind, name}, shown(name));
    }

    HttpResponse put(Call& call, const std::string& name, Json body, unsigned status) {
        for (const std::string_view member : read_only) body.erase(std::string(member));
        Ordered document = history_.document();
        Ordered& objects = document[kind_.plural];
        if (objects.is_null()) objects = Ordered::object();
        const Ordered before = objects.contains(name) ? objects[name] : Ordered::object();
        const FieldTable fields = kind_.fields(body);
        if (!fields.empty()) {
            auto unknown = unknown_members(body, before, fields);
            if (!unknown.empty()) throw invalid("Something is wrong with the body.", std::move(unknown));
        }
        const Ordered all_shown = shown_config(document);
        const Ordered before_shown = objects.contains(name) ? all_shown[kind_.plural][name] : Ordered::object();
        objects[name] = with_secrets(body, before, before_shown);
        if (auto masks = masks_in(objects[name], before); !masks.empty()) {
            throw invalid("A secret is missing.", std::move(masks));
        }
        if (kind_.plural == "modules") {
            auto added = added_rights(Json(objects[name]), Json(before));
            if (!added.empty()) throw invalid("The module asks for rights that may not be given from afar.", added);
        }
        return save(call, document, name, status);
    }

    HttpResponse remove(Call& call, const std::string& name) {
        Ordered document = history_.document();
        document[kind_.plural].erase(name);
        const ConfigChange change = save_config(api_, call, history_, document, "");
        return call.is_dry_run() ? trial_answer(change, "") : no_content();
    }

    /// The object keeps its place: for rules the order counts.
    HttpResponse rename(Call& call, const std::string& from, const std::string& to, const Rename& follow) {
        check_object_name(to);
        if (has(to)) throw conflict("name_taken", fmt::format("There is a {} {} already.", kind_.kind, to));
        Ordered document = history_.document();
        Ordered renamed = Ordered::object();
        for (const auto& [name, object] : document[kind_.plural].items()) renamed[name == from ? to : name] = object;
        document[kind_.plural] = std::move(renamed);
        if (follow) follow(document, from, to);
        remember_former_name(document, kind_.plural, from, to);
        return save(call, document, to, 200);
    }

    HttpResponse save(Call& call, const Ordered& document, const std::string& name, unsigned status) {
        const std::string prefix = path_of(kind_.plural, name);
        const ConfigChange change = save_config(api_, call, history_, document, prefix);
        if (call.is_dry_run()) return trial_answer(change, prefix);
        Json content = shown(name);
        Json warnings = Json::array();
        for (const FieldError& one : faults_of(change.problems, ProblemSeverity::warning, prefix)) {
            if (!one.pointer.starts_with("/" + kind_.plural)) {
                warnings.push_back({{"pointer", one.pointer}, {"detail", one.detail}});
            }
        }
        content["warnings"] = std::move(warnings);
        content["needs_restart"] = change.needs_restart;
        HttpResponse response = make_json(content, status);
        response.headers.emplace_back("ETag", etag(name));
        if (status == 201) {
            response.headers.emplace_back("Location",
                                          fmt::format("{}/{}/{}", api_base, kind_.plural, percent_encode(name)));
        }
        return response;
    }

    std::string etag(const std::string& name) { return config_etag(history_, {kind_.kind, name}); }
    const ConfigKind& kind() const { return kind_; }
    Ordered document() const { return history_.document(); }
    void read_file(const Call& call) { history_.read_file(call.now); }

private:
    Json shown_in(const Ordered& document, const Ordered& masked, const std::string& name, SecretDates& dates) const {
        const Ordered& objects = masked[kind_.plural];
        Json object(objects[name]);
        dates.add_to(object, document[kind_.plural][name], "/" + kind_.plural + "/" + pointer_segment(name));
        object["name"] = name;
        std::size_t order = 0;
        for (const auto& [other, value] : objects.items()) {
            if (other == name) break;
            ++order;
        }
        object["order"] = order;
        return object;
    }

    const ConfigKind& kind_;
    ConfigHistory history_;
    const Api& api_;
};

/// Objects of the configuration with what else is known of them.
asio::awaitable<HttpResponse> show(const Api& api, const ConfigKind& kind, const Call& call, KnownMembers known) {
    const bool is_one = call.request.parameters.contains("name");
    std::string etag;
    auto read = [&] {
        Objects objects(api, kind);
        Json items = is_one ? Json::array({objects.shown(call.parameter("name"))}) : objects.list();
        etag = is_one ? objects.etag(call.parameter("name")) : objects.list_etag();
        return items;
    };
    Json items = co_await run_blocking(api.services().administration_pool, read);
    Json more;
    if (known) {
        std::vector<std::string> names;
        for (const Json& item : items) names.push_back(item.at("name"));
        more = co_await known(api, call, std::move(names));
    }
    auto finish = [&] {
        for (Json& item : items) {
            const auto found = more.find(item.at("name").get<std::string>());
            if (found != more.end()) item.update(*found);
        }
        Json content = is_one ? std::move(items.at(0)) : Json();
        if (!is_one) content["items"] = std::move(items);
        return with_live_etag(call, make_json(content), etag);
    };
    co_return co_await run_blocking(api.services().readers_pool, finish);
}

HttpResponse create(const Api& api, const ConfigKind& kind, Call& call) {
    Objects objects(api, kind);
    objects.read_file(call);
    const auto name = call.body.find("name");
    if (name == call.body.end() || !name->is_string()) {
        throw invalid("Something is wrong with the body.", {{"/name", "missing", "is missing"}});
    }
    const std::string text = *name;
    check_object_name(text);
    if (objects.has(text)) throw conflict("name_taken", fmt::format("There is a {} {} already.", kind.kind, text));
    return objects.put(call, text, call.body, 201);
}

HttpResponse put(const Api& api, const ConfigKind& kind, Call& call) {
    Objects objects(api, kind);
    objects.read_file(call);
    const std::string& name = call.parameter("name");
    if (objects.has(name)) {
        if (call.request.header("If-None-Match") == "*") {
            throw ProblemError(412, "exists", fmt::format("There is a {} {} already.", kind.kind, name));
        }
        objects.require_match(call, name);
        return objects.put(call, name, call.body, 200);
    }
    if (call.request.header("If-None-Match") != "*") {
        throw not_found(fmt::format("There is no {} {}; If-None-Match: * makes one.", kind.kind, name));
    }
    check_object_name(name);
    return objects.put(call, name, call.body, 201);
}

HttpResponse patch(const Api& api, const ConfigKind& kind, Call& call) {
    Objects objects(api, kind);
    objects.read_file(call);
    const std::string& name = call.parameter("name");
    objects.require_match(call, name);
    return objects.put(call, name, with_patch(objects.shown(name), call.body), 200);
}

}  // namespace

asio::awaitable<Json> ask_if_possible(const Api& api, std::function<Json(History&)> question) {
    auto ask = [&]() -> Json {
        try {
            return api.services().history.ask(question);
        } catch (const database::DatabaseError&) {
            return nullptr;
        }
    };
    co_return co_await run_blocking(api.services().readers_pool, ask);
}

void add_config_object_operations(Api& api, const ConfigKind& kind, const CheckRemoval& check_removal,
                                  const Rename& rename, const KnownMembers& known) {
    const std::string tag = kind.plural;
    const std::string path = "/" + kind.plural;
    const std::string one = path + "/{name}";
    std::string title = kind.kind;
    title[0] = static_cast<char>(title[0] - 32);
    std::string titles = kind.plural;
    titles[0] = static_cast<char>(titles[0] - 32);
    const Json object = Api::reference(title);
    const Json saved = {{"anyOf", Json::array({object, trial_schema()})}};

    api.wait({.method = "GET",
              .path = path,
              .id = "list" + titles,
              .summary = "All, in the order of the file",
              .tag = tag,
              .answer = schema::object({{"items", schema::list_of(object)}}),
              .also = {304}},
             [&api, &kind, known](Call& call) { return show(api, kind, call, known); });
    api.administer(changing_config({.method = "POST",
                                    .path = path,
                                    .id = "add" + title,
                                    .summary = "Adds one at the end",
                                    .tag = tag,
                                    .body = schema::any_object(),
                                    .answer = saved,
                                    .status = 201,
                                    .also_content = {200}}),
                   [&api, &kind](Call& call) { return create(api, kind, call); });
    api.wait({.method = "GET",
              .path = one,
              .id = "get" + title,
              .summary = "One, as the file has it",
              .tag = tag,
              .answer = object,
              .also = {304}},
             [&api, &kind, known](Call& call) { return show(api, kind, call, known); });
    api.administer(changing_config({.method = "PUT",
                                    .path = one,
                                    .id = "put" + title,
                                    .summary = "Replaces one, or makes it with If-None-Match: *",
                                    .tag = tag,
                                    .body = schema::any_object(),
                                    .answer = saved,
                                    .also_content = {201},
                                    .conditional = true}),
                   [&api, &kind](Call& call) { return put(api, kind, call); });
    api.administer(changing_config({.method = "PATCH",
                                    .path = one,
                                    .id = "patch" + title,
                                    .summary = "Changes one, as a merge patch",
                                    .tag = tag,
                                    .body = schema::any_object(),
                                    .answer = saved,
                                    .conditional = true}),
                   [&api, &kind](Call& call) { return patch(api, kind, call); });
    api.administer(changing_config({.method = "DELETE",
                                    .path = one,
                                    .id = "remove" + title,
                                    .summary = "Removes one",
                                    .tag = tag,
                                    .answer = trial_schema(),
                                    .also = {204},
                                    .conditional = true}),
                   [&api, &kind, check_removal](Call& call) {
                       Objects objects(api, kind);
                       objects.read_file(call);
                       const std::string& name = call.parameter("name");
                       objects.require_match(call, name);
                       if (check_removal) check_removal(objects.document(), name);
                       return objects.remove(call, name);
                   });
    api.administer(changing_config({.method = "POST",
                                    .path = one + "/actions/rename",
                                    .id = "rename" + title,
                                    .summary = "Gives it another name, also where others refer to it",
                                    .tag = tag,
                                    .body = schema::object({{"name", schema::required_text(100)}}),
                                    .answer = saved,
                                    .conditional = true}),
                   [&api, &kind, rename](Call& call) {
                       Objects objects(api, kind);
                       objects.read_file(call);
                       objects.require_match(call, call.parameter("name"));
                       return objects.rename(call, call.parameter("name"), call.body["name"], rename);
                   });
}

}  // namespace quicksilver::api
