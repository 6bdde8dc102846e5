#pragma once

#include <map>
#include <string>
#include <string_view>

namespace quicksilver {

/// Who keeps a series, and since when (RFC 3339).
struct Hold {
    std::string user;
    std::string since;
};

/// By SeriesInstanceUID. What the file `.held` in a folder says: nobody but a person removes it until all are released.
using Holds = std::map<std::string, Hold>;

/// Nothing for a text that is damaged, or empty because somebody made the file by hand: it keeps the folder all the
/// same, for no series in particular.
Holds parse_holds(std::string_view text);
std::string to_json_text(const Holds& holds);

}  // namespace quicksilver
