#include "quicksilver/core/run_blocking.hpp"
#include "quicksilver/pipeline/delivery_control.hpp"
#include "quicksilver/pipeline/receiver.hpp"
#include "quicksilver/pipeline/router.hpp"
#include "quicksilver/store/durable_file.hpp"
#include "quicksilver/store/task_folders.hpp"

#include "pipeline_control.hpp"

#include <nlohmann/json.hpp>

namespace quicksilver {

namespace asio = boost::asio;
using nlohmann::json;

namespace {

constexpr std::pair<const char*, Control::Stage> names[] = {{"receive", Control::Stage::receive},
                                                            {"route", Control::Stage::route},
                                                            {"process", Control::Stage::process},
                                                            {"dispatch", Control::Stage::dispatch}};

json to_json(const std::map<Control::Stage, StagePause>& pauses) {
    json document = json::object();
    for (const auto& [name, stage] : names) {
        const auto found = pauses.find(stage);
        if (found == pauses.end()) continue;
        const StagePause& pause = found->second;
        document[name] = {{"reason", pause.reason}, {"user", pause.user}, {"since", rfc3339(pause.since)}};
        if (pause.until) document[name]["until"] = rfc3339(*pause.until);
    }
    return document;
}

std::map<Control::Stage, StagePause> read(const json& document) {
    std::map<Control::Stage, StagePause> pauses;
    if (!document.is_object()) return pauses;
    for (const auto& [name, stage] : names) {
        const auto found = document.find(name);
        if (found == document.end() || !found->is_object()) continue;
        const auto text = [&found](const char* member) {
            const auto value = found->find(member);
            return value != found->end() && value->is_string() ? value->get<std::string>() : std::string();
        };
        StagePause pause{text("reason"), text("user"), {}, parse_rfc3339(text("until"))};
        pause.since = parse_rfc3339(text("since")).value_or(WallTime());
        pauses[stage] = std::move(pause);
    }
    return pauses;
}

}  // namespace

std::optional<StagePause> PipelineControl::pause_of(Stage stage) const {
    const auto found = pauses_.find(stage);
    if (found == pauses_.end()) return std::nullopt;
    return found->second;
}

asio::awaitable<Result<void>> PipelineControl::pause(Stage stage, PauseOrder order) {
    const std::optional<StagePause> before = pause_of(stage);
    pauses_[stage] = StagePause{order.reason, order.user, parts_.context.clock.wall_now(), order.until};
    // First written down, so that no restart lets it go on unasked.
    const Result<void> written = co_await write_pauses();
    if (!written) {
        pauses_.erase(stage);
        if (before) pauses_[stage] = *before;
        co_return written;
    }
    co_return co_await set_paused(stage, true);
}

asio::awaitable<Result<void>> PipelineControl::resume(Stage stage) {
    const Result<void> resumed = co_await set_paused(stage, false);
    if (!resumed) co_return resumed;
    pauses_.erase(stage);
    co_return co_await write_pauses();
}

/// Processing and delivery are halted by mercure's file, which others may make and remove as well.
asio::awaitable<Result<void>> PipelineControl::set_paused(Stage stage, bool paused) {
    if (stage == Stage::receive) parts_.receiver.set_paused(paused);
    if (stage == Stage::route) parts_.router.set_paused(paused);
    if (stage == Stage::receive || stage == Stage::route) co_return Result<void>();
    if (stage == Stage::dispatch) {
        if (paused) co_return co_await parts_.delivery.suspend_all();
        co_return co_await parts_.delivery.resume_all();
    }
    auto set = [this, paused] { return parts_.context.folders.set_halted(quicksilver::Stage::processing, paused); };
    co_return co_await run_blocking(parts_.context.files, set);
}

asio::awaitable<Result<void>> PipelineControl::write_pauses() {
    const std::string text = to_json(pauses_).dump(4);
    const bool none = pauses_.empty();
    auto write = [&]() -> Result<void> {
        FileOps& ops = parts_.context.folders.ops();
        if (none) return ops.unlink(parts_.pauses_file);
        return write_durably(ops, parts_.pauses_file, text);
    };
    co_return co_await run_blocking(parts_.context.files, write);
}

asio::awaitable<void> PipelineControl::restore() {
    auto load = [this] { return read_text_file(parts_.pauses_file); };
    const Result<std::string> text = co_await run_blocking(parts_.context.files, load);
    if (!text) {
        if (text.error().code != Errc::not_found) parts_.context.log.warn(text.error().message);
        co_return;
    }
    pauses_ = read(json::parse(*text, nullptr, false));
    for (const auto& [name, stage] : names) {
        const auto found = pauses_.find(stage);
        if (found == pauses_.end()) continue;
        parts_.context.log.warn("still paused", kv("stage", name), kv("reason", found->second.reason));
        if (stage == Stage::receive) parts_.receiver.set_paused(true);
        if (stage == Stage::route) parts_.router.set_paused(true);
    }
}

asio::awaitable<void> PipelineControl::watch() {
    for (;;) {
        co_await parts_.context.clock.wait_for(watch_interval);
        const WallTime now = parts_.context.clock.wall_now();
        for (const auto& [name, stage] : names) {
            const auto found = pauses_.find(stage);
            if (found == pauses_.end() || !found->second.until || *found->second.until > now) continue;
            parts_.context.log.info("the time of a pause is over", kv("stage", name));
            const Result<void> resumed = co_await resume(stage);
            if (!resumed) parts_.context.log.error(resumed.error().message, kv("stage", name));
        }
    }
}

}  // namespace quicksilver
