#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/dicom/picture.hpp"
#include "quicksilver/store/secrets.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "api.hpp"
#include "picture_cache.hpp"
#include "series_files.hpp"

#include <fmt/format.h>

#include <charconv>

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

/// `first`, `mid`, `last`, or the number of an instance from 0.
std::size_t place_of(const std::string& wanted, std::size_t count) {
    if (wanted == "first") return 0;
    if (wanted == "last") return count - 1;
    std::size_t number = count / 2;
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    return std::min(number, count - 1);
}

std::shared_ptr<const std::string> make_picture(const Api& api, ThumbnailMaker& maker, const std::string& series_uid,
                                                const std::string& frame, unsigned size) {
    const auto tasks =
        api.services().history.ask([&](History& history) { return history.tasks_of_series(series_uid); });
    const auto files = files_of_series(api.services().folders, series_uid, tasks);
    if (files.empty()) return std::make_shared<const std::string>();
    const fs::path& file = files[place_of(frame, files.size())];
    const std::string key = fmt::format("{} {}", file.filename().string(), size);
    if (auto known = maker.cache.find(key)) return known;
    auto rendered = dicom::render_png(file, dicom::PictureOptions{size, 0, true});
    auto picture = std::make_shared<const std::string>(rendered ? *std::move(rendered) : std::string());
    maker.cache.add(key, picture);
    return picture;
}

asio::awaitable<HttpResponse> show(const Api& api, Call& call, ThumbnailMaker& maker) {
    if (maker.waiting >= waiting_max) {
        throw ProblemError(503, "busy", "Too many pictures are being made.").with_header("Retry-After", "2");
    }
    ++maker.waiting;
    const std::string uid = call.parameter("id");
    const std::string frame = call.query("frame").empty() ? "mid" : call.query("frame");
    const unsigned size = call.query("size") == "96" ? 96 : call.query("size") == "384" ? 384 : 192;
    auto make = [&] { return make_picture(api, maker, uid, frame, size); };
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
                        {"frame", schema::text(20), "first, mid, last, or the number of an instance from 0."}},
              .answer = schema::text(),
              .answer_type = "image/png",
              .also = {204, 304}},
             [&api, maker](Call& call) { return show(api, call, *maker); });
}

}  // namespace quicksilver::api
