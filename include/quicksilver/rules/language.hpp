#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::rules {

/// What an editor completes and explains. Everything here works in this version; docs/rules.md says what it means.
struct Language {
    struct Methods {
        std::string_view type;
        std::vector<std::string_view> names;
    };
    struct Example {
        std::string_view expression, help;
    };
    std::vector<std::string_view> functions;  ///< sorted
    std::vector<Methods> methods;             ///< names sorted
    std::vector<std::string_view> keywords, operators, types;
    std::vector<Example> examples;
};

/// Made once. Any thread.
const Language& language();

}  // namespace quicksilver::rules
