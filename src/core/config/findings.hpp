#pragma once

#include "quicksilver/core/config_loader.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace quicksilver {

/// `targets.pacs` + `port` → `targets.pacs.port`; a name with a dot or without characters is put in brackets.
std::string child_path(std::string_view parent, std::string_view name);
std::string path_text(const std::vector<std::string>& path);

/// "; did you mean port?" when one of the candidates is near, else "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

/// A piece of the file for a message: in quotes, without control characters, not longer than a line.
std::string in_quotes(std::string_view text);

/// Collects what is found while a configuration is read.
class Findings {
public:
    void error(std::string path, std::string message) {
        add(ProblemSeverity::error, std::move(path), std::move(message));
    }
    void warning(std::string path, std::string message) {
        add(ProblemSeverity::warning, std::move(path), std::move(message));
    }
    void note(std::string path, std::string message) {
        add(ProblemSeverity::note, std::move(path), std::move(message));
    }

    std::vector<ConfigProblem> take() { return std::move(all_); }

private:
    static constexpr std::size_t each_max = 500;  // of one severity; nobody reads more, and a mad file has millions

    void add(ProblemSeverity severity, std::string path, std::string message);

    std::vector<ConfigProblem> all_;
    std::array<std::size_t, 3> counts_{};
};

}  // namespace quicksilver
