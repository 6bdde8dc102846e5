#include "quicksilver/core/json_depth.hpp"

#include <algorithm>
#include <cstddef>

namespace quicksilver {

unsigned json_depth(std::string_view text) {
    unsigned depth = 0, deepest = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_text) {
            if (c == '\\') ++i;
            if (c == '"') in_text = false;
            continue;
        }
        if (c == '"') in_text = true;
        if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
        if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    return deepest;
}

}  // namespace quicksilver
