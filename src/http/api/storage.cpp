#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/http/control.hpp"
#include "quicksilver/http/problem.hpp"
#include "quicksilver/store/statistics.hpp"

#include "api.hpp"
#include "storage_forecast.hpp"

namespace quicksilver::api {

namespace asio = boost::asio;

namespace {

constexpr auto looked_back = std::chrono::hours(24 * 7);

/// How many bytes came in each of the last days, the oldest first.
std::vector<std::uint64_t> received_by_day(History& history, WallTime now) {
    const WallTime from = now - looked_back;
    Statistics::Window window{rfc3339(from), rfc3339(now), 0, 86'400};
    window.from_s = std::chrono::floor<std::chrono::seconds>(from.time_since_epoch()).count();
    std::vector<std::uint64_t> days(7);
    const auto values =
        Statistics(history.connection()).series(Statistics::SeriesMetric::bytes, Statistics::SeriesGroup::none, window);
    for (const Statistics::Value& value : values) {
        const auto day = static_cast<std::size_t>(std::max<std::int64_t>(value.step, 0));
        if (day < days.size()) days[day] += static_cast<std::uint64_t>(value.value);
    }
    return days;
}

asio::awaitable<HttpResponse> forecast(const Api& api, const Call& call) {
    const ApiServices& services = api.services();
    const StorageStatus storage = services.status.pipeline().storage;
    auto look = [&] {
        return services.history.ask([&](History& history) { return received_by_day(history, call.now); });
    };
    const auto days = co_await run_blocking(services.readers_pool, look);
    co_return make_json(storage_forecast(storage, services.config.snapshot()->cleaner, days, call.now));
}

asio::awaitable<HttpResponse> clean(const Api& api, const Call& call) {
    const std::vector<CleaningItem> items = co_await api.services().control.clean(!call.is_dry_run());
    Json shown = Json::array();
    std::uint64_t bytes = 0;
    for (const CleaningItem& item : items) {
        if (item.problem.empty() && !item.held) bytes += item.bytes;
        shown.push_back({{"stage", item.stage},
                         {"task", item.task},
                         {"modified_at", rfc3339(item.modified)},
                         {"bytes", item.bytes},
                         {"held", item.held},
                         {"problem", item.problem.empty() ? Json() : Json(item.problem)}});
    }
    co_return make_json({{"dry_run", call.is_dry_run()}, {"bytes", bytes}, {"items", std::move(shown)}});
}

}  // namespace

void add_storage_operations(Api& api) {
    api.wait({.method = "GET",
              .path = "/storage/forecast",
              .id = "getStorageForecast",
              .summary = "When the disk will be full, if images come as in the last week",
              .tag = "system",
              .answer = schema::any_object()},
             [&api](Call& call) { return forecast(api, call); });
    const Json item = schema::object({{"stage", schema::text()},
                                      {"task", schema::text()},
                                      {"modified_at", schema::time()},
                                      {"bytes", schema::integer(0, INT64_MAX)},
                                      {"held", schema::boolean()},
                                      {"problem", schema::optional(schema::text(10'000))}});
    api.wait({.method = "POST",
              .path = "/storage/clean",
              .id = "cleanStorage",
              .summary = "Removes what is older than the retention, whatever the hour; with dry_run shows it only",
              .tag = "system",
              .access = Access::admin,
              .scope = "admin",
              .query = {{"dry_run", schema::boolean(), "Only show what would be removed."}},
              .answer = schema::object({{"dry_run", schema::boolean()},
                                        {"bytes", schema::integer(0, INT64_MAX)},
                                        {"items", schema::list_of(item)}})},
             [&api](Call& call) { return clean(api, call); });
}

}  // namespace quicksilver::api
