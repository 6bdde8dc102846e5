#include "upload.hpp"

#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/core/unique_id.hpp"
#include "quicksilver/http/uploads.hpp"
#include "quicksilver/store/durable_file.hpp"

#include "problem_error.hpp"

#include <boost/asio/post.hpp>

#include <sys/statvfs.h>
#include <unistd.h>

namespace quicksilver::api {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t write_bytes = 1024 * 1024;
constexpr std::uint64_t look_bytes = 64ULL * 1024 * 1024;  // between two looks at the free space

ProblemError no_space() {
    return ProblemError(503, "no_space",
                        "The disk has no room for this: images that are received need what is left of it. Make room "
                        "and try again.")
        .with_header("Retry-After", "60");
}

ProblemError not_written(const Error& error) {
    if (error.code == Errc::no_space) return no_space();
    return ProblemError(503, "unavailable", "The upload cannot be kept: " + error.message)
        .with_header("Retry-After", "60");
}

/// Whether so many bytes more leave the reserve alone.
bool has_room(const UploadPlace& place, std::uint64_t bytes) {
    struct statvfs space {};
    if (::statvfs(place.folder.c_str(), &space) != 0) return true;  // writing will tell
    const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
    const std::uint64_t total = std::uint64_t{space.f_blocks} * space.f_frsize;
    return free >= bytes && free - bytes >= place.reserve.bytes_of(total);
}

OpenFile open(const UploadPlace& place, const fs::path& path, std::uint64_t announced) {
    if (auto made = make_folders(place.ops, place.folder); !made) throw not_written(made.error());
    if (!has_room(place, announced)) throw no_space();
    auto file = place.ops.create(path);
    if (!file) throw not_written(file.error());
    return std::move(*file);
}

}  // namespace

Upload::~Upload() {
    asio::post(pool_, [path = path_] { ::unlink(path.c_str()); });
}

asio::awaitable<std::shared_ptr<const Upload>> receive_upload(BodyInput& input, UploadPlace place) {
    const auto upload = std::make_shared<Upload>(place.folder / make_task_id(), place.pool);
    const std::uint64_t announced = input.announced_bytes().value_or(0);
    auto begin = [&] { return open(place, upload->path(), announced); };
    OpenFile file = co_await run_blocking(place.pool, begin);
    std::string waiting;
    std::uint64_t looked_at = 0;
    auto write = [&] {
        if (upload->bytes - looked_at >= look_bytes) {
            looked_at = upload->bytes;
            if (!has_room(place, 0)) throw no_space();
        }
        if (const auto written = place.ops.write(file, waiting); !written) throw not_written(written.error());
        waiting.clear();
    };
    bool more = true;
    while (more) {
        const std::optional<std::string> piece = co_await input.next();
        more = piece.has_value();
        if (more) waiting += *piece;
        if (more) upload->bytes += piece->size();
        if (waiting.size() >= write_bytes || !more) co_await run_blocking(place.pool, write);
    }
    auto close = [&] { return place.ops.close(file); };
    const Result<void> closed = co_await run_blocking(place.pool, close);
    if (!closed) throw not_written(closed.error());
    co_return upload;
}

}  // namespace quicksilver::api

namespace quicksilver {

std::filesystem::path uploads_folder(const FolderConfig& folders) {
    return folders.data / "uploads";
}

Result<void> remove_stale_uploads(FileOps& ops, const FolderConfig& folders) {
    const std::filesystem::path folder = uploads_folder(folders);
    // The hidden one is there when an earlier start did not get to the end of this.
    if (auto removed = remove_folder_tree(ops, hidden_name(folder, hidden::removing)); !removed) return removed;
    return remove_folder_tree(ops, folder);
}

}  // namespace quicksilver
