#pragma once

#include "quicksilver/core/config_loader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace quicksilver::test {

/// Equal in keys and values to the file that mercure installs.
std::string default_mercure_json();

/// A grown installation: targets of all kinds with and without a type, AE titles with blanks, booleans and numbers as
/// texts, comments, unknown keys, study rules, modules with JSON in strings.
std::string rich_mercure_json();

/// Sources with a data folder and nothing else.
ConfigSources plain_sources();

LoadedConfig load_text(std::string_view text);

/// "error: path: message" lines of that severity.
std::vector<std::string> lines_of(const LoadedConfig& loaded, ProblemSeverity severity);
/// All of them, one a line, for messages of failed tests.
std::string all_lines(const LoadedConfig& loaded);

}  // namespace quicksilver::test
