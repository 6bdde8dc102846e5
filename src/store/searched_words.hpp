#pragma once

#include <string>
#include <string_view>

namespace quicksilver {

/// What somebody searches for, word by word, because a name may be stored as DOE^JANE and typed as Jane Doe.
struct SearchedWords {
    std::string match;    ///< the words of three letters and more, as FTS5 takes them; "" without such words
    std::string pattern;  ///< the shorter ones, for LIKE; "" without such words
};

/// Each long word must be found in one of the columns, and the short ones in this order in one of those that are no
/// UIDs. Without `patients`, `match` leaves out the columns of patients.
SearchedWords searched_words(std::string_view text, bool patients);

}  // namespace quicksilver
