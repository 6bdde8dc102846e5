#include "series_files.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/byte_range.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/http/zip_archive.hpp"
#include "quicksilver/store/secrets.hpp"

#include "api.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

namespace quicksilver::api {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr int archives_max = 8;

/// Where the files of a series may lie, the newest place last. A task that is being processed has them below.
constexpr Stage stages[] = {Stage::success, Stage::outgoing, Stage::processing, Stage::error, Stage::discard};

std::vector<fs::path> files_in(const fs::path& folder, const std::string& series_uid) {
    std::vector<fs::path> found;
    const auto files = TaskFolders::instances(folder);
    if (!files) return found;
    for (const fs::path& file : *files) {
        if (file.filename().string().starts_with(series_uid + "#")) found.push_back(file);
    }
    return found;
}

struct SeriesFile {
    ZipArchive::File entry;
    std::string sop_uid;
};

/// What is here of the series now. On a reader's thread.
std::vector<SeriesFile> look_up(const Api& api, const std::string& series_uid) {
    const auto tasks = api.services().history.ask([&](History& history) {
        if (!history.find_series(series_uid)) throw not_found("There is no such series.");
        return history.tasks_of_series(series_uid);
    });
    std::vector<SeriesFile> files;
    for (const fs::path& file : files_of_series(api.services().folders, series_uid, tasks)) {
        struct stat status {};
        if (::stat(file.c_str(), &status) != 0) continue;
        const std::string stem = file.stem().string();
        const std::string sop_uid = stem.substr(std::min(stem.find('#') + 1, stem.size()));
        const auto bytes = static_cast<std::uint64_t>(status.st_size);
        const WallTime modified = std::chrono::system_clock::from_time_t(status.st_mtime);
        files.push_back({ZipArchive::File{file, sop_uid + ".dcm", bytes, modified}, sop_uid});
    }
    return files;
}

HttpResponse list_files(const Api& api, const Call& call) {
    Json items = Json::array();
    std::uint64_t bytes = 0;
    for (const SeriesFile& file : look_up(api, call.parameter("id"))) {
        bytes += file.entry.bytes;
        items.push_back({{"sop_instance_uid", file.sop_uid},
                         {"folder", file.entry.path.parent_path().filename().string()},
                         {"bytes", file.entry.bytes},
                         {"modified_at", rfc3339(file.entry.modified)}});
    }
    return make_json({{"items", std::move(items)}, {"bytes", bytes}});
}

/// Reads an archive on the readers' threads, piece by piece, as fast as the client takes it.
class ArchiveBody final : public BodySource {
public:
    ArchiveBody(asio::thread_pool& pool, std::shared_ptr<ZipArchive> zip, ByteRange range, std::shared_ptr<int> open)
        : pool_(pool), zip_(std::move(zip)), next_(range.first), end_(range.last + 1), open_(std::move(open)) {
        ++*open_;
    }
    ~ArchiveBody() override { --*open_; }

    asio::awaitable<std::optional<std::string>> next() override {
        if (next_ >= end_) co_return std::nullopt;
        // In pieces, so that others get their turn on the threads.
        auto prepare = [this] { return zip_->prepare(next_); };
        while (!co_await run_blocking(pool_, prepare)) continue;
        auto read = [this] { return zip_->read(next_, std::min<std::uint64_t>(piece_bytes, end_ - next_)); };
        std::string piece = co_await run_blocking(pool_, read);
        next_ += piece.size();
        co_return std::optional<std::string>(std::move(piece));
    }

private:
    asio::thread_pool& pool_;
    std::shared_ptr<ZipArchive> zip_;
    std::uint64_t next_;
    const std::uint64_t end_;
    std::shared_ptr<int> open_;  // io thread
};

/// Another one as soon as a file is another one, so that no part of a new archive is joined to one of an old.
std::string etag_of(const std::vector<SeriesFile>& files) {
    std::string text;
    for (const SeriesFile& file : files) {
        text += fmt::format("{} {} {}\n", file.entry.path.string(), file.entry.bytes, rfc3339(file.entry.modified));
    }
    return "\"" + secrets::digest(text).substr(0, 32) + "\"";
}

/// A helper of mercure may have written down anything as a UID.
std::string file_name_of(const std::string& uid) {
    std::string name;
    for (const char c : uid) name += (c >= '0' && c <= '9') || c == '.' ? c : '_';
    return name;
}

asio::awaitable<HttpResponse> send_archive(const Api& api, Call& call, std::shared_ptr<int> open) {
    if (*open >= archives_max) {
        throw ProblemError(503, "busy", "Too many archives are being sent.").with_header("Retry-After", "10");
    }
    const std::string uid = call.parameter("id");
    auto look = [&] { return look_up(api, uid); };
    const std::vector<SeriesFile> files = co_await run_blocking(api.services().readers_pool, look);
    if (files.empty()) throw ProblemError(410, "gone", "The files of this series are not here any more.");
    std::vector<ZipArchive::File> entries;
    for (const SeriesFile& file : files) {
        if (file.entry.bytes > ZipArchive::file_bytes_max) throw conflict("too_large", "A file has more than 4 GB.");
        entries.push_back(file.entry);
    }
    const auto zip = std::make_shared<ZipArchive>(std::move(entries));
    const std::string etag = etag_of(files);
    const std::string_view if_range = call.request.header("If-Range");
    const bool same = if_range.empty() || if_range == etag;
    const auto wanted = parse_range(same ? call.request.header("Range") : std::string_view(), zip->size());
    if (wanted.verdict == RangeVerdict::unsatisfiable) {
        throw ProblemError(416, "range", "The archive is shorter than that.")
            .with_header("Content-Range", fmt::format("bytes */{}", zip->size()));
    }
    const bool part = wanted.verdict == RangeVerdict::part;
    const ByteRange range = part ? wanted.range : ByteRange{0, zip->size() - 1};
    HttpResponse response;
    response.status = part ? 206 : 200;
    response.content_type = "application/zip";
    response.cache_control = "private, no-store";
    response.headers.emplace_back("ETag", etag);
    response.headers.emplace_back("Accept-Ranges", "bytes");
    response.headers.emplace_back("Content-Disposition",
                                  fmt::format("attachment; filename=\"{}.zip\"", file_name_of(uid)));
    if (part) {
        response.headers.emplace_back("Content-Range",
                                      fmt::format("bytes {}-{}/{}", range.first, range.last, zip->size()));
    }
    response.stream = std::make_shared<ArchiveBody>(api.services().readers_pool, zip, range, std::move(open));
    response.stream_bytes = range.length();
    co_return response;
}

}  // namespace

std::vector<fs::path> files_of_series(const TaskFolders& folders, const std::string& series_uid,
                                      const std::vector<TaskItem>& tasks) {
    if (!TaskFolders::is_id(series_uid)) return {};
    if (auto found = files_in(folders.path(Stage::incoming, series_uid), series_uid); !found.empty()) return found;
    for (const TaskItem& task : tasks) {
        if (!TaskFolders::is_id(task.id)) continue;
        for (const Stage stage : stages) {
            const fs::path folder = folders.path(stage, task.id);
            if (auto found = files_in(folder, series_uid); !found.empty()) return found;
            if (auto found = files_in(folder / "as_received", series_uid); !found.empty()) return found;
        }
    }
    return {};
}

void add_series_file_operations(Api& api) {
    const Json file = schema::object({{"sop_instance_uid", schema::text()},
                                      {"folder", schema::text()},
                                      {"bytes", schema::integer(0, INT64_MAX)},
                                      {"modified_at", schema::time()}});
    api.read({.method = "GET",
              .path = "/series/{id}/files",
              .id = "listSeriesFiles",
              .summary = "Its instances that are still here",
              .tag = "series",
              .access = Access::operate,
              .phi = true,
              .answer = schema::object({{"items", schema::list_of(file)}, {"bytes", schema::integer(0, INT64_MAX)}})},
             [&api](Call& call) { return list_files(api, call); });
    const auto open = std::make_shared<int>(0);
    api.wait({.method = "GET",
              .path = "/series/{id}/archive",
              .id = "getSeriesArchive",
              .summary = "Its instances as a ZIP file; ranges are answered",
              .tag = "series",
              .access = Access::operate,
              .phi = true,
              .answer = schema::text(),
              .answer_type = "application/zip",
              .also_content = {206},
              .audit_reads = true},
             [&api, open](Call& call) { return send_archive(api, call, open); });
}

}  // namespace quicksilver::api
