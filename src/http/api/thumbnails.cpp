#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/dicom/picture.hpp"
#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "api.hpp"
#include "picture_cache.hpp"
#include "series_files.hpp"

#include <climits>
#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <sys/stat.h>

namespace quicksilver::api {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t cache_bytes = 64 * 1024 * 1024;
constexpr int waiting_max = 64;

/// Makes pictures on a thread of its own, so that they hold up nothing else.
struct ThumbnailMaker {
    asio::thread_pool pool{1};
    PictureCache cache{cache_bytes};
    int waiting = 0;  // io thread

    ~ThumbnailMaker() { pool.join(); }
};

struct Wanted {
    std::string series_uid;
    std::string frame;     ///< `first`, `mid`, `last`, or a number from 0
    std::string instance;  ///< the same; "": `frame` chooses among the instances, or the frames of the only one
    unsigned size = 0;     ///< pixels of the longer side
};

std::size_t place_of(const std::string& wanted, std::size_t count) {
    if (wanted == "first") return 0;
    if (wanted == "last") return count - 1;
    std::size_t number = count / 2;
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    return std::min(number, count - 1);
}

/// Nothing: the middle one. How many there are only the file knows.
std::optional<unsigned long> frame_of(const std::string& wanted) {
    if (wanted == "last") return ULONG_MAX;
    unsigned long number = 0;
    const auto end = wanted.data() + wanted.size();
    if (wanted == "first" || std::from_chars(wanted.data(), end, number).ec == std::errc()) return number;
    return std::nullopt;
}

/// Another one as soon as the file is another one; nothing when it is gone.
std::optional<std::string> key_of(const fs::path& file, const dicom::PictureOptions& options) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return std::nullopt;
    const std::string frame = options.frame ? std::to_string(*options.frame) : "mid";
    return fmt::format("{} {} {}.{:09} {} {}", file.string(), status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec, options.size, frame);
}

std::shared_ptr<const std::string> make_picture(const Api& api, ThumbnailMaker& maker, const Wanted& wanted) {
    const auto none = std::make_shared<const std::string>();
    const auto tasks =
        api.services().history.ask([&](History& history) { return history.tasks_of_series(wanted.series_uid); });
    const auto files = files_of_series(api.services().folders, wanted.series_uid, tasks);
    if (files.empty()) return none;
    const bool by_frame = files.size() == 1 || !wanted.instance.empty();
    const fs::path& file = files[place_of(wanted.instance.empty() ? wanted.frame : wanted.instance, files.size())];
    dicom::PictureOptions options;
    options.size = wanted.size;
    if (by_frame) options.frame = frame_of(wanted.frame);
    const auto key = key_of(file, options);
    if (!key) return none;
    if (auto known = maker.cache.find(*key)) return known;
    auto rendered = dicom::render_png(file, options);
    // That there is no picture in a file is known once it was read; that it cannot be read now may change.
    if (!rendered && rendered.error().code != Errc::invalid) return none;
    auto picture = std::make_shared<const std::string>(rendered ? *std::move(rendered) : std::string());
    maker.cache.add(*key, picture);
    return picture;
}

asio::awaitable<HttpResponse> show(const Api& api, Call& call, ThumbnailMaker& maker) {
    if (maker.waiting >= waiting_max) {
        throw ProblemError(503, "busy", "Too many pictures are being made.").with_header("Retry-After", "2");
    }
    ++maker.waiting;
    Wanted wanted{call.parameter("id"), call.query("frame"), call.query("instance"), 192};
    if (wanted.frame.empty()) wanted.frame = "mid";
    if (call.query("size") == "96") wanted.size = 96;
    if (call.query("size") == "384") wanted.size = 384;
    auto make = [&] { return make_picture(api, maker, wanted); };
    std::shared_ptr<const std::string> picture;
    std::exception_ptr failed;
    try {
        picture = co_await run_blocking(maker.pool, make);
    } catch (...) {
        failed = std::current_exception();
    }
    --maker.waiting;
    if (failed) std::rethrow_exception(failed);
    // No picture is no error: the page draws something else.
    if (picture->empty()) co_return no_content();
    HttpResponse response;
    response.content_type = "image/png";
    response.body = *picture;
    response = with_etag(call, std::move(response), fmt::format("\"{}\"", secrets::digest(*picture).substr(0, 32)));
    response.cache_control = "private, no-store";
    co_return response;
}

}  // namespace

void add_thumbnail_operations(Api& api) {
    const auto maker = std::make_shared<ThumbnailMaker>();
    api.wait({.method = "GET",
              .path = "/series/{id}/thumbnail",
              .id = "getThumbnail",
              .summary = "A small picture of one of its images; 204 when there is none",
              .tag = "series",
              .phi = true,
              .query = {{"size", schema::choice({"96", "192", "384"}), "Pixels of the longer side; 192."},
                        {"frame", schema::text(20),
                         "first, mid, last, or a number from 0: of its instances, or of the frames of the only one."},
                        {"instance", schema::text(20), "The same for the instance; then frame is one of its frames."},
                        {"window", schema::choice({"auto"}), "The window of the image, or all of its values."}},
              .answer = schema::text(),
              .answer_type = "image/png",
              .also = {204, 304}},
             [&api, maker](Call& call) { return show(api, call, *maker); });
}

}  // namespace quicksilver::api
