#include "quicksilver/dicom/dictionary.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/history.hpp"

#include "api.hpp"
#include "patient_data.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <unistd.h>

namespace quicksilver::api {

namespace {

constexpr std::size_t series_looked_at = 100;
constexpr std::size_t values_max = 5;

/// A file for the time of one request, readable for nobody else.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content)
        : path_((std::filesystem::temp_directory_path() / "quicksilver-inspect-XXXXXX").string()) {
        const int fd = ::mkstemp(path_.data());
        written_ = fd >= 0 && ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
        if (fd >= 0) ::close(fd);
    }
    ~TemporaryFile() { ::unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    bool ok() const { return written_; }
    const std::string& path() const { return path_; }

private:
    std::string path_;
    bool written_ = false;
};

/// `PatientBirthDate` → `Patient Birth Date`, `SOPClassUID` → `SOP Class UID`
std::string words_of(const std::string& keyword) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    std::string words;
    for (std::size_t i = 0; i < keyword.size(); ++i) {
        const bool begins = i > 0 && is_upper(keyword[i]) &&
                            (!is_upper(keyword[i - 1]) || (i + 1 < keyword.size() && !is_upper(keyword[i + 1])));
        if (begins) words += ' ';
        words += keyword[i];
    }
    return words;
}

/// Of the newest series, the tags that they have with some of their values.
std::map<std::string, std::vector<std::string>> recent_values(const Api& api) {
    std::map<std::string, std::vector<std::string>> values;
    auto look = [&](History& history) {
        history.for_each_tag_set("", series_looked_at, [&](const TagSet& set) {
            const Json tags = Json::parse(set.tags_json, nullptr, false);
            if (!tags.is_object()) return;
            for (const auto& [keyword, value] : tags.items()) {
                auto& known = values[keyword];
                const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
                const bool is_new = std::ranges::find(known, text) == known.end();
                if (known.size() < values_max && is_new) known.push_back(text);
            }
        });
        return 0;
    };
    try {
        api.services().history.ask(look);
    } catch (const database::DatabaseError&) {
        // The dictionary is there without them.
    }
    return values;
}

HttpResponse list_tags(const Api& api, const Call& call) {
    const auto values = recent_values(api);
    Json items = Json::array();
    for (const dicom::DictionaryEntry& entry : dicom::find_in_dictionary(call.query("prefix"), call.limit())) {
        const auto used = values.find(entry.keyword);
        const bool shown = used != values.end() && (call.may_see_patients() || is_harmless_tag(entry.keyword));
        items.push_back({{"keyword", entry.keyword},
                         {"tag", entry.tag},
                         {"vr", entry.vr},
                         {"name", words_of(entry.keyword)},
                         {"in_use", used != values.end()},
                         {"recent_values", shown ? Json(used->second) : Json::array()}});
    }
    return make_json({{"items", std::move(items)}});
}

/// Who sends a file has seen it already, so nothing is masked.
HttpResponse inspect(const Api& api, const Call& call) {
    if (call.request.header("Content-Type") != "application/dicom") {
        throw ProblemError(415, "unsupported_media_type", "The body must be application/dicom.");
    }
    const TemporaryFile file(call.request.body);
    if (!file.ok()) throw ProblemError(503, "unavailable", "The file cannot be kept for a moment: is /tmp full?");
    dicom::TagReadOptions options;
    options.additional_tags = api.services().config.snapshot()->dicom.additional_tags;
    const auto tags = dicom::read_tags(file.path(), options);
    if (!tags) throw invalid("This is no DICOM file that can be read.", {{"", "dicom", "cannot be read as DICOM"}});
    Json shown = Json::object();
    for (const auto& [name, value] : tags->entries()) shown[name] = value;
    return make_json({{"tags", std::move(shown)}});
}

}  // namespace

void add_dicom_operations(Api& api) {
    const std::string tag = "dicom";
    const Json entry = schema::object({{"keyword", schema::text()},
                                       {"tag", schema::text()},
                                       {"vr", schema::text()},
                                       {"name", schema::text()},
                                       {"in_use", schema::boolean()},
                                       {"recent_values", schema::list_of(schema::text(100'000))}});
    std::vector<QueryParameter> query = paged({{"prefix", schema::text(64), "Begin of keyword or number."}});
    query.pop_back();  // one page is all there is
    api.read({.method = "GET",
              .path = "/dicom/tags",
              .id = "listDicomTags",
              .summary = "The data dictionary, for completing what somebody types, with what the newest series have",
              .tag = tag,
              .query = query,
              .answer = schema::object({{"items", schema::list_of(entry)}})},
             [&api](Call& call) { return list_tags(api, call); });
    api.read({.method = "POST",
              .path = "/dicom/inspect",
              .id = "inspectDicom",
              .summary = "The tags of a file as rules see them; its first MiB is enough",
              .tag = tag,
              .access = Access::operate,
              .scope = "read",
              .body = schema::any(),
              .body_type = "application/dicom",
              .answer = schema::object({{"tags", schema::any_object()}}),
              .audited = false},
             [&api](Call& call) { return inspect(api, call); });
}

}  // namespace quicksilver::api
