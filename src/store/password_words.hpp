#pragma once

#include <string_view>
#include <vector>

namespace quicksilver {

/// Words out of which most guessed passwords are made, in small ASCII letters.
const std::vector<std::string_view>& password_words();

}  // namespace quicksilver
