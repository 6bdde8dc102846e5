#pragma once

#include "quicksilver/store/config_history.hpp"

#include "api.hpp"
#include "config_json.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What the operations on rules, targets, modules and settings share. On the administration's thread.
namespace quicksilver::api {

/// A kind of object that the configuration has by name.
struct ConfigKind {
    std::string kind;    ///< rule
    std::string plural;  ///< rules: its member of the file, and its path
    FieldTable (*fields)(const Json& object);
};

const ConfigKind& rule_kind();
const ConfigKind& target_kind();
const ConfigKind& module_kind();

ConfigHistory history_of(const Api& api);

/// `"r12-rule-chest"`
std::string config_etag(ConfigHistory& history, const ConfigObjectName& object);
/// Throws ProblemError 428, or 412 with what is there now and what changed since the version that If-Match names.
void require_config_match(const Call& call, ConfigHistory& history, const ConfigObjectName& object,
                          const Json& current);

/// Tells since when secrets are what they are, as far as the newest revisions know.
class SecretDates {
public:
    explicit SecretDates(ConfigHistory& history) : history_(history) {}

    /// `{"set": true}` gets `changed_at`. `raw` is what the file has at the place `pointer`: `/targets/pacs`.
    void add_to(Json& shown, const Ordered& raw, const std::string& pointer);

private:
    std::optional<std::string> changed_at(const std::string& pointer);

    static constexpr std::size_t revisions_max = 500;
    ConfigHistory& history_;
    std::optional<std::vector<Revision>> newest_;  // once something was asked for
};

/// Rights of root that a module would get and has not yet: they may stand in the file, but come not over the network,
/// unless the machine's owner allows it. Pointers into the module.
std::vector<FieldError> added_rights(const Json& module, const Json& before);

/// Saves, or tries when the call says `dry_run`. Throws ProblemError 422 with pointers into the object that `prefix`
/// names, 409 when somebody broke the file by hand.
ConfigChange save_config(const Api& api, Call& call, ConfigHistory& history, const Ordered& document,
                         const std::string& prefix, RevisionSource source = RevisionSource::interface);

/// The answer to a trial: {"ok","changes","warnings","needs_restart"}
HttpResponse trial_answer(const ConfigChange& change, const std::string& prefix);
Json trial_schema();

/// Only what a name may be that stands in a path, a file name and an event.
void check_object_name(const std::string& name);

/// The operation with what all need that change the configuration: an administrator, the scope, dry_run, and the
/// member `message` of the body.
Operation changing_config(Operation operation);

/// Lets a kind refuse a removal. Throws ProblemError 409.
using CheckRemoval = std::function<void(const Ordered& document, const std::string& name)>;
/// Follows a new name into the rest of the document.
using Rename = std::function<void(Ordered& document, const std::string& from, const std::string& to)>;

/// What the server knows of these objects beside what the file says, as {name: {member: value}}: shown with them, but
/// no part of what is changed, nor of the ETag. Io thread.
using KnownMembers =
    std::function<boost::asio::awaitable<Json>(const Api& api, const Call& call, std::vector<std::string> names)>;

/// List, create, show, replace, patch, remove, rename.
void add_config_object_operations(Api& api, const ConfigKind& kind, const CheckRemoval& check_removal,
                                  const Rename& rename, const KnownMembers& known = nullptr);

/// Answers the question on a reader's thread; null while the bookkeeper's database cannot be used, for statistics that
/// must not keep anybody from the configuration.
boost::asio::awaitable<Json> ask_if_possible(const Api& api, std::function<Json(History&)> question);

}  // namespace quicksilver::api
