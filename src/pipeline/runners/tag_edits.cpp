#include "tag_edits.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace quicksilver {

namespace {

using Json = nlohmann::json;

constexpr std::size_t edits_max = 500;
constexpr const char* private_elements = "private";

void check_path(StepSettings& settings, const char* key, const std::string& path) {
    if (const auto settable = dicom::check_settable(path); !settable) {
        settings.problem(key, settable.error().message);
    }
}

std::optional<rules::Expression> parse_expression(StepSettings& settings, const char* key) {
    if (!settings.has(key)) return std::nullopt;
    auto expression = rules::Expression::parse(settings.text(key, "''"));
    if (!expression) {
        settings.problem(key, expression.error().message);
        return std::nullopt;
    }
    return *std::move(expression);
}

void parse_value(StepSettings& settings, TagEdit& edit) {
    edit.value = parse_expression(settings, "value");
    edit.text = settings.text("text", "");
    if (settings.has("value") == settings.has("text")) {
        settings.problem("", "needs either `value`, an expression, or `text`");
    }
}

TagEdit parse_edit(const Json& object, std::string path, std::vector<SettingProblem>& problems) {
    StepSettings settings(object, std::move(path), problems);
    TagEdit edit;
    const int kinds = static_cast<int>(settings.has("set")) + static_cast<int>(settings.has("remove")) +
                      static_cast<int>(settings.has("copy")) + static_cast<int>(settings.has("append"));
    if (kinds != 1) settings.problem("", "needs one of `set`, `remove`, `copy` and `append`");
    if (settings.has("set")) {
        edit.path = settings.text("set", "");
        check_path(settings, "set", edit.path);
        parse_value(settings, edit);
    } else if (settings.has("append")) {
        edit.kind = TagEdit::Kind::append;
        edit.path = settings.text("append", "");
        check_path(settings, "append", edit.path);
        parse_value(settings, edit);
        edit.separator = settings.text("separator", "");
    } else if (settings.has("copy")) {
        edit.kind = TagEdit::Kind::copy;
        edit.from = settings.text("copy", "");
        edit.path = settings.text("to", "");
        if (!dicom::is_known_path(edit.from))
            settings.problem("copy", fmt::format("\"{}\" is no data element", edit.from));
        check_path(settings, "to", edit.path);
    } else if (settings.has("remove")) {
        edit.kind = TagEdit::Kind::remove;
        edit.removed = settings.texts("remove");
        edit.everywhere = settings.flag("everywhere", false);
        for (const std::string& removed : edit.removed) {
            if (removed != private_elements) check_path(settings, "remove", removed);
            if (edit.everywhere && removed != private_elements && !dicom::is_known_tag(removed)) {
                settings.problem("remove", fmt::format("\"{}\": with `everywhere`, a keyword or gggg,eeee", removed));
            }
        }
    }
    if (settings.has("default")) edit.otherwise = settings.text("default", "");
    edit.condition = parse_expression(settings, "if");
    settings.finish();
    return edit;
}

/// As it stands in a data element: several values are joined by a backslash.
std::string text_of(const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_null()) return {};
    if (value.is_number_float() && std::floor(value.get<double>()) == value.get<double>() &&
        std::abs(value.get<double>()) < 1e15) {
        return std::to_string(static_cast<std::int64_t>(value.get<double>()));
    }
    if (!value.is_array()) return value.dump();
    std::string joined;
    for (const Json& part : value) joined += (joined.empty() ? "" : "\\") + text_of(part);
    return joined;
}

/// The edits of one file.
class Editing {
public:
    Editing(dicom::EditableFile& file, const dicom::TagReadOptions& options) : file_(file), tag_options_(options) {}

    Result<void> apply(const TagEdit& edit) {
        if (edit.condition) {
            const auto condition = evaluate(*edit.condition);
            if (condition.error && !condition.tag_missing()) return Error{Errc::invalid, condition.error->message};
            if (!condition.triggered) return {};
        }
        if (edit.kind == TagEdit::Kind::remove) return remove(edit);
        const auto value = value_of(edit);
        if (!value) return value.error();
        tags_.reset();
        return file_.set(edit.path, *value);
    }

private:
    Result<void> remove(const TagEdit& edit) {
        tags_.reset();
        for (const std::string& path : edit.removed) {
            if (path == private_elements) {
                file_.remove_private();
                continue;
            }
            auto removed = edit.everywhere ? file_.remove_everywhere(path) : file_.remove(path);
            if (!removed) return removed;
        }
        return {};
    }

    Result<std::string> value_of(const TagEdit& edit) {
        if (edit.kind == TagEdit::Kind::copy) {
            if (auto value = file_.element(edit.from)) return *std::move(value);
            if (edit.otherwise) return *edit.otherwise;
            return Error{Errc::invalid, fmt::format("{} is missing, and there is no `default`", edit.from)};
        }
        std::string value = edit.text;
        if (edit.value) {
            auto found = evaluate(*edit.value);
            if (found.error && !(found.tag_missing() && edit.otherwise)) {
                return Error{Errc::invalid, found.error->message};
            }
            value = found.error ? *edit.otherwise : text_of(found.json);
        }
        if (edit.kind != TagEdit::Kind::append) return value;
        const std::string present = file_.element(edit.path).value_or("");
        return present.empty() ? value : present + edit.separator + value;
    }

    rules::Evaluation evaluate(const rules::Expression& expression) {
        if (!tags_) tags_ = file_.tags(tag_options_);
        rules::EvaluationOptions options;
        options.header = [this](std::string_view path) { return file_.element(path); };
        return rules::evaluate(expression, *tags_, options);
    }

    dicom::EditableFile& file_;
    const dicom::TagReadOptions& tag_options_;
    std::optional<Tags> tags_;  // of the file as it is now; nothing when that may have changed
};

}  // namespace

std::vector<TagEdit> parse_tag_edits(const Json& json, std::vector<SettingProblem>& problems) {
    StepSettings settings(json, "", problems);
    std::vector<TagEdit> edits;
    const Json* list = settings.list("edits");
    if (list == nullptr || list->empty()) {
        settings.problem("edits", "must be a list of changes, each with one of `set`, `remove`, `copy` and `append`");
    } else if (list->size() > edits_max) {
        settings.problem("edits", fmt::format("more than {} changes", edits_max));
    } else {
        for (std::size_t at = 0; at < list->size(); ++at) {
            edits.push_back(parse_edit((*list)[at], fmt::format("edits[{}]", at), problems));
        }
    }
    settings.finish();
    return edits;
}

Result<void> apply_tag_edits(const std::vector<TagEdit>& edits, dicom::EditableFile& file,
                             const dicom::TagReadOptions& tag_options) {
    Editing editing(file, tag_options);
    for (std::size_t at = 0; at < edits.size(); ++at) {
        if (auto applied = editing.apply(edits[at]); !applied) {
            return Error{applied.error().code, fmt::format("edits[{}]: {}", at, applied.error().message)};
        }
    }
    return {};
}

}  // namespace quicksilver
