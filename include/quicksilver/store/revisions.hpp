#pragma once

#include "quicksilver/core/clock.hpp"
#include "quicksilver/store/administration.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// How a change of the configuration came about.
enum class RevisionSource { interface, file, import, restore };

std::string_view to_string(RevisionSource source);

struct Revision {
    std::int64_t number = 0;
    std::string time;                                  ///< RFC 3339
    std::string author;                                ///< user name; "" for the file
    std::string source;                                ///< interface, file, import, restore
    std::string message;                               ///< of the author
    nlohmann::json changes = nlohmann::json::array();  ///< {"op","path","from","to"}, secrets masked
};

/// A part of the configuration with a revision of its own.
struct ConfigObjectName {
    std::string kind;  ///< rule, target, module; settings
    std::string name;  ///< "" for the settings

    bool operator==(const ConfigObjectName&) const = default;
};

/// Every configuration that ever counted, whole. Throws DatabaseError. One thread at a time.
class Revisions {
public:
    explicit Revisions(Administration& administration) : connection_(administration.connection()) {}

    /// `changed`: objects that differ from the revision before, also those that are gone since.
    std::int64_t add(const Revision& revision, std::string_view document, const std::vector<ConfigObjectName>& changed,
                     WallTime now);
    /// 0 when there is none.
    std::int64_t last();
    std::optional<Revision> find(std::int64_t number);
    /// The text of the file as it was then; nothing when there is no such revision.
    std::optional<std::string> document(std::int64_t number);
    /// Newest first.
    std::vector<Revision> list(std::int64_t before, std::size_t limit);
    /// When it changed last; 0 when never.
    std::int64_t revision_of(const ConfigObjectName& object);

private:
    database::Connection& connection_;
};

}  // namespace quicksilver
