#include "quicksilver/dicom/dictionary.hpp"
#include "quicksilver/dicom/tag_reader.hpp"
#include "quicksilver/http/problem.hpp"

#include "api.hpp"

#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace quicksilver::api {

namespace {

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

HttpResponse list_tags(const Call& call) {
    Json items = Json::array();
    for (const dicom::DictionaryEntry& entry : dicom::find_in_dictionary(call.query("prefix"), call.limit())) {
        items.push_back({{"keyword", entry.keyword}, {"tag", entry.tag}, {"vr", entry.vr}});
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
    const Json entry = schema::object({{"keyword", schema::text()}, {"tag", schema::text()}, {"vr", schema::text()}});
    std::vector<QueryParameter> query = paged({{"prefix", schema::text(64), "Begin of keyword or number."}});
    query.pop_back();  // one page is all there is
    api.read({.method = "GET",
              .path = "/dicom/tags",
              .id = "listDicomTags",
              .summary = "The data dictionary, for completing what somebody types",
              .tag = tag,
              .query = query,
              .answer = schema::object({{"items", schema::list_of(entry)}})},
             [](Call& call) { return list_tags(call); });
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
