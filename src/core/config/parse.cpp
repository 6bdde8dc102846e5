#include "parse.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

namespace quicksilver {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t depth_max = 64;  // objects and lists in each other

/// `line 3, column 5`, both from 1; columns count characters.
std::string place_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, std::min(offset, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const std::string_view in_line = before.substr(line_start);
    const auto column = 1 + std::count_if(in_line.begin(), in_line.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return fmt::format("line {}, column {}", line, column);
}

/// The parser's own message without its prefix, and without the piece of text that it read last: that may be a secret.
std::string reason_of(std::string_view what) {
    if (const auto start = what.find(" - "); start != std::string_view::npos) {
        what.remove_prefix(start + 3);
    } else if (const auto bracket = what.find("] "); bracket != std::string_view::npos) {
        what.remove_prefix(bracket + 2);
    }
    std::string reason(what);
    const auto last_read = reason.find("; last read: ");
    if (last_read == std::string::npos) return reason;
    const auto expected = reason.rfind("; expected ");
    const std::string tail = expected != std::string::npos && expected > last_read ? reason.substr(expected) : "";
    return reason.substr(0, last_read) + tail;
}

/// Builds the document by hand, because the library's own builder neither sees double keys nor limits the depth.
class Builder final : public nlohmann::json_sax<Json> {
public:
    Builder(std::string_view text, Findings& findings) : text_(text), findings_(findings) {}

    Json take() { return std::move(root_); }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Json::object()); }
    bool start_array(std::size_t) override { return open(Json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override;

    bool parse_error(std::size_t position, const std::string&, const Json::exception& error) override {
        // The position is that behind the character that was too much.
        findings_.error("", place_of(text_, position == 0 ? 0 : position - 1) + ": " + reason_of(error.what()));
        return false;
    }

private:
    struct Level {
        Json container;
        std::string key;
        std::unordered_map<std::string, std::size_t> members;  // key → place in the object
    };

    bool open(Json container);
    bool close();
    bool add(Json value);
    std::string path() const;

    const std::string_view text_;
    Findings& findings_;
    std::vector<Level> levels_;
    Json root_;
};

bool Builder::key(string_t& name) {
    levels_.back().key = std::move(name);
    return true;
}

bool Builder::open(Json container) {
    if (levels_.size() == depth_max) {
        findings_.error(path(), fmt::format("nested more than {} deep", depth_max));
        return false;
    }
    levels_.push_back({std::move(container), {}, {}});
    return true;
}

bool Builder::close() {
    Json done = std::move(levels_.back().container);
    levels_.pop_back();
    return add(std::move(done));
}

bool Builder::add(Json value) {
    if (levels_.empty()) {
        root_ = std::move(value);
        return true;
    }
    Level& level = levels_.back();
    if (level.container.is_array()) {
        level.container.push_back(std::move(value));
        return true;
    }
    // Straight into the members: a look-up in an ordered object takes its whole length.
    auto& members = level.container.get_ref<Json::object_t&>();
    const auto [found, added] = level.members.emplace(level.key, members.size());
    if (added) {
        members.emplace_back(level.key, std::move(value));
    } else {
        findings_.warning(path(), "stands here twice; the last one counts");
        members.begin()[static_cast<std::ptrdiff_t>(found->second)].second = std::move(value);
    }
    return true;
}

std::string Builder::path() const {
    std::string text;
    for (const Level& level : levels_) {
        text = level.container.is_array() ? fmt::format("{}[{}]", text, level.container.size())
                                          : child_path(text, level.key);
    }
    return text;
}

}  // namespace

std::optional<Json> parse_config_json(std::string_view text, Findings& findings) {
    if (text.size() > config_size_max) {
        findings.error("", fmt::format("larger than {} MiB", config_size_max / (1024 * 1024)));
        return std::nullopt;
    }
    Builder builder(text, findings);
    const bool complete =
        Json::sax_parse(text.begin(), text.end(), &builder, nlohmann::detail::input_format_t::json, true, true);
    if (!complete) return std::nullopt;
    Json document = builder.take();
    if (!document.is_object()) {
        findings.error("", "is not a JSON object {…}");
        return std::nullopt;
    }
    return document;
}

}  // namespace quicksilver
