#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/core/config_handle.hpp"
#include "quicksilver/store/revisions.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quicksilver {

struct ConfigAuthor {
    std::string name;  ///< of the user; "" for the file
    RevisionSource source = RevisionSource::interface;
    std::string message;
};

/// How a change went.
struct ConfigChange {
    bool ok = false;
    std::int64_t revision = 0;               ///< that it made; 0 for a trial, a refusal, or when nothing changed
    nlohmann::json changes;                  ///< field by field, secrets masked
    std::vector<ConfigProblem> problems;     ///< errors: why it was refused; else warnings and notes
    std::vector<std::string> needs_restart;  ///< settings that count at the next start
    bool file_is_refused = false;            ///< the file has errors that somebody made by hand; nothing was written
};

/// The one way by which the configuration changes: checks, writes the file, takes it over, and keeps a revision. The
/// file stays the truth; a change of it by hand becomes a revision as well. Throws DatabaseError.
/// On the thread of the administration's database.
class ConfigHistory {
public:
    ConfigHistory(ConfigHandle& config, Administration& administration) : config_(config), revisions_(administration) {}

    /// The file as it counts, with the keys in their order.
    nlohmann::ordered_json document() const { return config_.loaded().source; }
    /// Takes over what somebody has changed by hand since; does nothing when the file is the same.
    void read_file(WallTime now);
    /// Keeps what counts now as a revision of the file, unless it is the last one already. At the start and after a
    /// reload. Returns its number, 0 when there was nothing to keep.
    std::int64_t note_file(WallTime now);
    /// `trial`: everything but writing. A file that somebody broke by hand is only overwritten by a restore or import.
    ConfigChange save(const nlohmann::ordered_json& document, const ConfigAuthor& author, bool trial, WallTime now);

    Revisions& revisions() { return revisions_; }
    ConfigHandle& config() { return config_; }

private:
    std::int64_t keep(const nlohmann::ordered_json& after, const nlohmann::json& changes, const ConfigAuthor& author,
                      WallTime now);

    ConfigHandle& config_;
    Revisions revisions_;
};

/// Field by field, secrets masked; that a secret changed is seen. The order of rules counts as {"op": "order"}.
nlohmann::json config_diff(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

/// The rules, targets and modules that the differences are about, `rules` with an empty name for their order, and
/// `settings` for the rest.
std::vector<ConfigObjectName> changed_objects(const nlohmann::json& changes);

}  // namespace quicksilver
